import Foundation
import Metrics

/// Where the scores of every utterance go.
enum ScoreFiles {
  /// Writes the scores to `path`, and those of the unprocessed speech, if there are any, beside it.
  static func write(_ table: ScoreTable, to path: String) throws {
    try AtomicFile.write(table.csv, to: URL(fileURLWithPath: path))
    if let noisy = table.noisyCSV {
      try AtomicFile.write(noisy, to: URL(fileURLWithPath: noisyPath(path)))
    }
  }

  /// `scores.csv` to `scores-noisy.csv`.
  static func noisyPath(_ path: String) -> String {
    let suffix = ".csv"
    return path.lowercased().hasSuffix(suffix)
      ? path.dropLast(suffix.count) + "-noisy" + path.suffix(suffix.count) : path + "-noisy"
  }
}
