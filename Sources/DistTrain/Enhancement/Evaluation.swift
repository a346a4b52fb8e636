import Metrics

/// What scoring a model on a set of utterances came to; the same for any number of ranks.
public struct Evaluation: Equatable, Sendable {
  /// One utterance, as it was and enhanced, both against the clean side.
  public struct Utterance: Equatable, Sendable {
    /// Scores of the noisy side.
    public let noisy: UtteranceScore
    /// Scores of what the model made of it.
    public let enhanced: UtteranceScore
    /// The training loss over the whole utterance.
    public let loss: Double

    /// Puts the parts together.
    public init(noisy: UtteranceScore, enhanced: UtteranceScore, loss: Double) {
      self.noisy = noisy
      self.enhanced = enhanced
      self.loss = loss
    }

    /// Its name in the corpus.
    public var name: String { noisy.file }

    /// Why it is in no mean, or nil if it is in all.
    public var fault: String? {
      ScoreTable.fault(noisy: noisy.error, enhanced: enhanced.error)
    }
  }

  /// A mean of the noisy and one of the enhanced sides, over the same utterances.
  public struct Means: Equatable, Sendable {
    /// Of the noisy sides.
    public let noisy: Double
    /// Of the enhanced sides.
    public let enhanced: Double
    /// Number of utterances.
    public let count: Int

    /// Puts the parts together.
    public init(noisy: Double, enhanced: Double, count: Int) {
      self.noisy = noisy
      self.enhanced = enhanced
      self.count = count
    }
  }

  /// All utterances, in the corpus's order.
  public let utterances: [Utterance]

  /// An evaluation of these utterances.
  public init(_ utterances: [Utterance]) { self.utterances = utterances }

  /// The same as a table with these columns.
  public func table(columns: Set<ScoreColumn> = .all) -> ScoreTable {
    ScoreTable(utterances.map(\.enhanced), noisy: utterances.map(\.noisy), columns: columns)
  }

  /// Number of utterances.
  public var total: Int { utterances.count }

  /// The utterances of which both sides have every score.
  public var scorable: [Utterance] { utterances.filter { $0.fault == nil } }

  /// Number of utterances of which both sides have every score.
  public var scored: Int { utterances.count { $0.fault == nil } }

  /// The other utterances and why.
  public var unscorable: [(name: String, reason: String)] {
    utterances.compactMap { utterance in utterance.fault.map { (utterance.name, $0) } }
  }

  /// Means of a score over `scorable`, or nil where no utterance has one.
  ///
  /// Utterances with an infinite value on either side (SI-SDR of a noisy side without noise) are
  /// left out of both means; `count` tells.
  public func means(of column: ScoreColumn) -> Means? {
    let pairs = scorable.compactMap { utterance -> (noisy: Double, enhanced: Double)? in
      guard let noisy = utterance.noisy[column], let enhanced = utterance.enhanced[column],
        noisy.isFinite, enhanced.isFinite
      else { return nil }
      return (noisy, enhanced)
    }
    if pairs.isEmpty { return nil }
    let count = Double(pairs.count)
    return Means(
      noisy: pairs.reduce(0) { $0 + $1.noisy } / count,
      enhanced: pairs.reduce(0) { $0 + $1.enhanced } / count, count: pairs.count)
  }

  /// Mean loss over all utterances, scorable or not; nil if there are none.
  ///
  /// Without those that have no finite loss because of their own samples. One that the model has
  /// made stays in: that has to show.
  public var loss: Double? {
    let losses = utterances.filter { $0.loss.isFinite || $0.noisy.error == nil }.map(\.loss)
    return losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
  }
}
