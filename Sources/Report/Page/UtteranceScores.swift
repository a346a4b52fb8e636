import Corpora
import Files
import Foundation
import Metrics
import Platform
import RunFiles

/// A CSV table of scores with named columns.
struct ScoreFile {
  /// Fields of each row, by column.
  let rows: [[String: String]]

  /// Reads the file at `url`; nil if there is none.
  ///
  /// - Throws: `ComparisonError` if the file is no table of utterances.
  init?(_ url: URL) throws(ComparisonError) {
    let path = url.path(percentEncoded: false)
    guard let text = try ComparisonError.text(url) else { return nil }
    let lines = CSVLine.rows(text)
    guard let columns = lines.first?.fields, columns.first == "file" else {
      throw .unreadable(path: path, reason: "it is no table of utterances' scores")
    }
    var rows: [[String: String]] = []
    for row in lines.dropFirst() {
      guard let fields = row.fields, fields.count == columns.count else {
        throw .unreadable(
          path: path,
          reason: "line \(row.line) has not \(NumberText.count(columns.count, "field"))")
      }
      rows.append(Dictionary(zip(columns, fields)) { $1 })
    }
    self.rows = rows
  }
}

/// The scores of the utterances of a split, noisy and enhanced by a run's best weights.
struct UtteranceScores {
  /// An utterance with scores on both sides.
  struct Row {
    let file: String
    let noisyPESQ: Double
    let pesq: Double
    var gain: Double { pesq - noisyPESQ }
  }

  let split: CorpusSplit
  /// The utterances in the order of the file.
  let rows: [Row]
  /// Utterances without scores, with the reason.
  let unscored: [(file: String, reason: String)]

  /// Reads the scores of a run's validation utterances; nil if it has none.
  ///
  /// - Throws: `ComparisonError` if the file is no table of utterances.
  init?(bestOf folder: RunFolder) throws(ComparisonError) {
    guard let file = try ScoreFile(folder.file(.bestScores)) else { return nil }
    self.init(
      .valid,
      file.rows.map { row in
        let error = row["error"] ?? ""
        return (
          row["file"] ?? "", row["noisy_pesq_wb"].flatMap(Double.init),
          row["pesq_wb"].flatMap(Double.init), error.isEmpty ? nil : error
        )
      })
  }

  /// The scores of a run's test utterances; nil if the unprocessed side is missing.
  init?(_ test: TestScores) {
    let table = test.table
    guard let noisy = table.noisy else { return nil }
    self.init(
      .test,
      table.scores.indices.map { index in
        let score = table.scores[index]
        return (score.file, noisy[index].pesqWB, score.pesqWB, table.fault(index))
      })
  }

  private init(
    _ split: CorpusSplit, _ all: [(file: String, noisy: Double?, pesq: Double?, error: String?)]
  ) {
    self.split = split
    var rows: [Row] = []
    var unscored: [(file: String, reason: String)] = []
    for (file, noisy, pesq, error) in all {
      if let noisy, let pesq, noisy.isFinite, pesq.isFinite {
        rows.append(Row(file: file, noisyPESQ: noisy, pesq: pesq))
      } else {
        unscored.append((file, error ?? "no score"))
      }
    }
    self.rows = rows
    self.unscored = unscored
  }

  /// Mean of the gains; nil without utterances.
  var meanGain: Double? { Estimate(rows.map(\.gain))?.mean }
}
