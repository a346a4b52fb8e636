import Files
import Foundation
import Metrics
import Platform

/// Results of `score` and `evaluate`, for other programs.
package struct ScoreReport: Encodable {
  /// One metric. Given by `score` where the unprocessed speech is not known.
  package struct Metric: Encodable {
    let score: Estimate?
    let noisy: Estimate?
    let gain: Estimate?
    /// Utterances that are left out since a value is infinite.
    let infinite: Int
  }

  /// An utterance that is in no mean.
  package struct Unscored: Encodable {
    let file: String
    let reason: String
  }

  package let program = Program.nameAndVersion
  package let scored: Int
  package let total: Int
  package let metrics: [String: Metric]
  package let notScored: [Unscored]
  package let llrFramesLeftOut: Int
  /// Additions of `evaluate`: the model, and the corpus that was enhanced.
  package var model: String?
  package var data: String?
  package var split: String?
  package var loss: Double?
  package var asPublished: PublishedCropScores?
  /// Whether the unprocessed speech has the published scores; only of the set that they are of.
  package var noisyIsAsPublished: Bool?

  /// Report of `table`, without the additions of `evaluate`.
  package init(_ table: ScoreTable) {
    scored = table.scorable.count
    total = table.scores.count
    metrics = Dictionary(
      uniqueKeysWithValues: table.columns.map { column in
        let row = table.row(column)
        return (
          column.rawValue,
          Metric(score: row.score, noisy: row.noisy, gain: row.gain, infinite: row.infiniteCount)
        )
      })
    notScored = table.unscorable.map { Unscored(file: $0.file, reason: $0.reason) }
    llrFramesLeftOut = table.framesLeftOut.frames
  }

  /// Writes it as indented JSON, keys sorted; no number where one is not finite.
  package func write(to path: String) throws {
    try AtomicFile.write(
      try indentedJSON(self, snakeCase: true) + "\n", to: URL(fileURLWithPath: path))
  }
}
