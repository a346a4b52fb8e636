/// The scores of many utterances, with those of the unprocessed speech beside them or without, as
/// rows of CSV files and as means.
///
/// Means are over the utterances for which every metric is defined on every side, so all of them
/// speak of the same set; those left out are counted and named.
public struct ScoreTable: Equatable, Sendable {
  /// What a column comes to, over the same utterances on all sides.
  public struct Row: Equatable, Sendable {
    /// Which column.
    public let column: ScoreColumn
    /// Of the scores; nil where none is finite.
    public let score: Estimate?
    /// Of the unprocessed speech.
    public let noisy: Estimate?
    /// Of the differences between the two.
    public let gain: Estimate?
    /// Utterances that are left out of this row alone, since a value is infinite (SI-SDR of
    /// identical signals).
    public let infiniteCount: Int
  }

  /// One row per utterance.
  public let scores: [UtteranceScore]
  /// The same utterances before they were processed, in the same order; nil if they are not known.
  public let noisy: [UtteranceScore]?
  /// The columns of means and listings, in the order of tables.
  public let columns: [ScoreColumn]

  /// A table of `scores`, in that order, and of the unprocessed `noisy` ones.
  public init(
    _ scores: [UtteranceScore] = [], noisy: [UtteranceScore]? = nil,
    columns: Set<ScoreColumn> = .all
  ) {
    precondition(noisy.map { $0.count == scores.count } ?? true, "ScoreTable: sides differ")
    self.scores = scores
    self.noisy = noisy
    self.columns = columns.ordered
  }

  /// Why an utterance is in no mean, or nil if it is in all.
  public func fault(_ index: Int) -> String? {
    Self.fault(noisy: noisy?[index].error, enhanced: scores[index].error, isAlone: noisy == nil)
  }

  /// The places of the utterances without a fault.
  public var scorable: [Int] { scores.indices.filter { fault($0) == nil } }

  /// The other utterances and why.
  public var unscorable: [(file: String, reason: String)] {
    scores.indices.compactMap { index in fault(index).map { (scores[index].file, $0) } }
  }

  /// Means of a column over `scorable`.
  public func row(_ column: ScoreColumn) -> Row {
    let indices = scorable
    let values = indices.compactMap { index -> (score: Double, noisy: Double)? in
      // Without a noisy side nothing is asked of it.
      guard let score = scores[index][column], score.isFinite else { return nil }
      guard let noisy else { return (score, 0) }
      guard let before = noisy[index][column], before.isFinite else { return nil }
      return (score, before)
    }
    return Row(
      column: column, score: Estimate(values.map(\.score)),
      noisy: noisy == nil ? nil : Estimate(values.map(\.noisy)),
      gain: noisy == nil ? nil : Estimate(values.map { $0.score - $0.noisy }),
      infiniteCount: indices.count - values.count)
  }

  /// Frames that LLRs leave out, on all sides, and of how many utterances.
  public var framesLeftOut: (frames: Int, utterances: Int) {
    let counts = scorable.map { index in
      scores[index].llrFramesLeftOut + (noisy?[index].llrFramesLeftOut ?? 0)
    }
    return (counts.reduce(0, +), counts.count { $0 > 0 })
  }

  package static func fault(noisy: String?, enhanced: String?, isAlone: Bool = false) -> String? {
    switch (noisy, enhanced) {
    case (nil, nil): nil
    case (let error?, nil): "noisy: \(error)"
    case (nil, let error?): isAlone ? error : "enhanced: \(error)"
    case (let noisy?, let enhanced?):
      noisy == enhanced ? noisy : "noisy: \(noisy); enhanced: \(enhanced)"
    }
  }
}
