import Audio
import Metrics

/// Result of scoring a model on a set of utterances, equal for any number of ranks.
public struct Evaluation: Equatable, Sendable {
  /// One utterance, as it was and enhanced, both against the clean side.
  public struct Utterance: Equatable, Sendable {
    /// Scores of the noisy side.
    public let noisy: UtteranceScore
    /// Scores of what the model made of it.
    public let enhanced: UtteranceScore
    /// The training loss over the whole utterance.
    public let loss: Double
    /// The finding about the level of its recordings, if that suggests another scale of the
    /// samples.
    public let oddLevel: OddLevel?

    /// Scores of both sides of an utterance, and the model's dimensionless loss on it.
    public init(
      noisy: UtteranceScore, enhanced: UtteranceScore, loss: Double, oddLevel: OddLevel? = nil
    ) {
      self.oddLevel = oddLevel
      self.noisy = noisy
      self.enhanced = enhanced
      self.loss = loss
    }

    /// The utterance `name` that has no score because its files cannot be used.
    init(unusable name: String, reason: String) {
      let score = UtteranceScore(file: name, error: reason)
      self.init(noisy: score, enhanced: score, loss: .nan)
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
    /// Scores of the noisy sides.
    public let noisy: Double
    /// Scores of the enhanced sides.
    public let enhanced: Double
    /// Number of utterances.
    public let count: Int

    /// Means over `count` utterances, in the unit of the metric.
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

  /// The scores as a table with these columns.
  public func table(columns: Set<ScoreColumn> = .all) -> ScoreTable {
    ScoreTable(utterances.map(\.enhanced), noisy: utterances.map(\.noisy), columns: columns)
  }

  /// Number of utterances.
  public var total: Int { utterances.count }

  /// Number of utterances of which both sides have every score.
  public var scored: Int { table().scorable.count }

  /// The other utterances and why.
  public var unscorable: [(name: String, reason: String)] {
    table().unscorable.map { ($0.file, $0.reason) }
  }

  /// Means of a score over the utterances of which both sides have every score, or nil where none
  /// is finite.
  ///
  /// Utterances with an infinite value on either side (SI-SDR of a noisy side without noise) are
  /// left out of both means; `count` tells.
  public func means(of column: ScoreColumn) -> Means? {
    let row = table().row(column)
    guard let noisy = row.noisy, let enhanced = row.score else { return nil }
    return Means(noisy: noisy.mean, enhanced: enhanced.mean, count: enhanced.count)
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
