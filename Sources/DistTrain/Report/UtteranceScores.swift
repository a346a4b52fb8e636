import Audio
import Foundation

/// A table of CSV with named columns, as scores are kept.
struct ScoreFile {
  let columns: [String]
  /// Fields by column.
  let rows: [[String: String]]

  /// Reads the file at `url`; nil if there is none. Throws if it is no table of utterances.
  init?(_ url: URL) throws(ComparisonError) {
    guard FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else {
      return nil
    }
    let path = url.path(percentEncoded: false)
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      throw .unreadable(path: path, reason: "it is no UTF-8 text")
    }
    let lines = text.split(whereSeparator: \.isNewline)
    guard let columns = lines.first.flatMap(CSVLine.fields), columns.first == "file" else {
      throw .unreadable(path: path, reason: "it is no table of utterances' scores")
    }
    var rows: [[String: String]] = []
    for (index, line) in lines.enumerated().dropFirst() {
      guard let fields = CSVLine.fields(line), fields.count == columns.count else {
        throw .unreadable(
          path: path, reason: "line \(index + 1) has not \(columns.count) fields")
      }
      rows.append(Dictionary(zip(columns, fields)) { $1 })
    }
    self.columns = columns
    self.rows = rows
  }

  /// The columns of numbers.
  var metrics: [String] { columns.filter { $0 != "file" && $0 != "error" } }
}

/// What a run's best weights made of each utterance of a split.
struct UtteranceScores {
  /// One utterance of which both sides are scored.
  struct Row {
    let file: String
    let noisyPESQ: Double
    let pesq: Double
    var gain: Double { pesq - noisyPESQ }
  }

  let split: CorpusSplit
  /// In the order of the file.
  let rows: [Row]
  /// Utterances without scores, and why.
  let unscored: [(file: String, reason: String)]

  /// The validation utterances of a run; nil if it has none.
  init?(bestOf folder: RunFolder) throws(ComparisonError) {
    guard let file = try ScoreFile(folder.bestScores) else { return nil }
    self.init(
      .valid,
      file.rows.map { ($0["file"] ?? "", $0["noisy_pesq_wb"], $0["pesq_wb"], $0["error"]) })
  }

  /// The test utterances of a run, from the scores of both sides.
  init(noisy: ScoreFile, enhanced: ScoreFile) {
    let sides = Dictionary(noisy.rows.map { ($0["file"] ?? "", $0) }) { $1 }
    self.init(
      .test,
      enhanced.rows.map { row in
        let file = row["file"] ?? ""
        let error = [row["error"], sides[file]?["error"]].compactMap { $0 }.first { !$0.isEmpty }
        return (file, sides[file]?["pesq_wb"], row["pesq_wb"], error)
      })
  }

  private init(
    _ split: CorpusSplit, _ all: [(file: String, noisy: String?, pesq: String?, error: String?)]
  ) {
    self.split = split
    var rows: [Row] = []
    var unscored: [(file: String, reason: String)] = []
    for (file, noisy, pesq, error) in all {
      if let noisy = noisy.flatMap(Double.init), let pesq = pesq.flatMap(Double.init),
        noisy.isFinite, pesq.isFinite
      {
        rows.append(Row(file: file, noisyPESQ: noisy, pesq: pesq))
      } else {
        unscored.append((file, error.flatMap { $0.isEmpty ? nil : $0 } ?? "no score"))
      }
    }
    self.rows = rows
    self.unscored = unscored
  }

  /// Mean of the gains; nil without utterances.
  var meanGain: Double? { Mean(rows.map(\.gain))?.value }
}

/// A mean and how sure it is.
struct Mean {
  let value: Double
  /// Half the width of the 95% interval of the mean, by the normal distribution; nil for one value.
  let interval: Double?
  let count: Int

  /// Of finite `values`; nil if there are none.
  init?(_ values: [Double]) {
    let values = values.filter(\.isFinite)
    if values.isEmpty { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    value = mean
    count = values.count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    interval =
      values.count > 1
      ? 1.96 * (squares / Double(values.count - 1)).squareRoot() / Double(values.count).squareRoot()
      : nil
  }
}
