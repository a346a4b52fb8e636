import Foundation
import Metrics
import Platform
import RunFiles

/// The scores of a run on the test set, which `evaluate --csv` has written to its folder.
struct TestScores {
  /// The utterances of `test-scores.csv` in its order, and those of `test-scores-noisy.csv` beside
  /// them if it is there.
  let table: ScoreTable
  /// Whether the best weights were written later, so that the scores belong to earlier weights.
  let isStale: Bool

  /// Reads the scores in a folder; nil if the folder has none.
  ///
  /// - Throws: `ComparisonError` if a file is no table of utterances.
  init?(_ folder: RunFolder) throws(ComparisonError) {
    guard let enhanced = try ScoreFile(folder.file(.testScores)) else { return nil }
    let noisy = try ScoreFile(folder.file(.noisyTestScores)).map { file in
      Dictionary(file.rows.map { (Self.name($0), $0) }) { $1 }
    }
    let names = enhanced.rows.map(Self.name)
    table = ScoreTable(
      zip(names, enhanced.rows).map { Self.score($0, $1) },
      noisy: noisy.map { sides in names.map { Self.score($0, sides[$0]) } })
    isStale =
      if let scored = Self.modified(folder.file(.testScores)),
        let best = Self.modified(folder.best)
      {
        scored < best
      } else {
        false
      }
  }

  /// The name of a row's utterance. Version 0.2.0 of `score` wrote it with the file's extension.
  private static func name(_ row: [String: String]) -> String {
    let file = row["file"] ?? ""
    return [".wav", ".flac"].contains(where: file.lowercased().hasSuffix)
      ? PathText.withoutExtension(file) : file
  }

  private static func score(_ file: String, _ row: [String: String]?) -> UtteranceScore {
    guard let row else { return UtteranceScore(file: file, error: "no score") }
    let values = ScoreColumn.allCases.compactMap { column in
      row[column.rawValue].flatMap(Double.init).map { (column, $0) }
    }
    let error = row["error"] ?? ""
    return UtteranceScore(
      file: file, values: Dictionary(uniqueKeysWithValues: values),
      error: error.isEmpty ? nil : error)
  }

  private static func modified(_ url: URL) -> Date? {
    let path = url.path(percentEncoded: false)
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.modificationDate] as? Date
  }
}
