import Foundation
import Metrics

/// What `score` and `evaluate` found, for other programs.
struct ScoreReport: Encodable {
  /// One metric. Of `score` alone where the unprocessed speech is not known.
  struct Metric: Encodable {
    let score: Estimate?
    let noisy: Estimate?
    let gain: Estimate?
    /// Utterances that are left out since a value is infinite.
    let infinite: Int
  }

  /// An utterance that is in no mean.
  struct Unscored: Encodable {
    let file: String
    let reason: String
  }

  let program = Program.nameAndVersion
  let scored: Int
  let total: Int
  let metrics: [String: Metric]
  let notScored: [Unscored]
  let llrFramesLeftOut: Int
  /// What `evaluate` adds: the model, and what was enhanced.
  var model: String?
  var data: String?
  var split: String?
  var loss: Double?
  var asPublished: PublishedCropScores?
  /// Whether the unprocessed speech has the published scores; only of the set that they are of.
  var noisyIsAsPublished: Bool?

  init(_ table: ScoreTable) {
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
  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    let text = String(decoding: try encoder.encode(self), as: UTF8.self)
    try AtomicFile.write(text + "\n", to: URL(fileURLWithPath: path))
  }
}
