/// The scores of many utterances, optionally beside those of the unprocessed speech, as rows of CSV
/// files and as means.
///
/// Means are over the utterances for which every metric is defined on every side, so that all means
/// describe one set of utterances; the others are counted and named.
public struct ScoreTable: Equatable, Sendable {
  /// The means of one column, over one set of utterances on all sides.
  public struct Row: Equatable, Sendable {
    /// The column.
    public let column: ScoreColumn
    /// Mean of the scores; nil where none is finite.
    public let score: Estimate?
    /// Mean of the scores of the unprocessed speech; nil where none is finite or known.
    public let noisy: Estimate?
    /// Mean of the differences `score − noisy`; nil where there are none.
    public let gain: Estimate?
    /// Number of utterances that this row alone leaves out because a value is infinite (SI-SDR of
    /// identical signals).
    public let infiniteCount: Int
  }

  /// One row per utterance.
  public let scores: [UtteranceScore]
  /// Scores of the unprocessed speech of these utterances, in the order of `scores`; nil if they
  /// are not known.
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

  /// Reason for which the means leave out the utterance at `index`; nil if they include it.
  public func fault(_ index: Int) -> String? {
    Self.fault(noisy: noisy?[index].error, enhanced: scores[index].error, isAlone: noisy == nil)
  }

  /// Indices of the utterances without a fault.
  public var scorable: [Int] { scores.indices.filter { fault($0) == nil } }

  /// Utterances that the means leave out, with the reason.
  public var unscorable: [(file: String, reason: String)] {
    scores.indices.compactMap { index in fault(index).map { (scores[index].file, $0) } }
  }

  /// Means of `column` over the utterances in `scorable`.
  public func row(_ column: ScoreColumn) -> Row {
    let indices = scorable
    let values = indices.compactMap { index -> (score: Double, noisy: Double)? in
      // Without a noisy side its scores cannot exclude an utterance.
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

  /// Number of frames that the LLRs leave out on all sides, and the number of utterances with such
  /// frames.
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
