import Files
import Foundation
import Metrics

/// Where the scores of every utterance go.
package enum ScoreFiles {
  /// Writes the scores to `path`, and those of the unprocessed speech, if there are any, beside it.
  /// These first: where the one is new, so is the other.
  package static func write(_ table: ScoreTable, to path: String) throws(AtomicFileError) {
    if let noisy = table.noisyCSV {
      try AtomicFile.write(noisy, to: URL(fileURLWithPath: noisyPath(path)))
    }
    try AtomicFile.write(table.csv, to: URL(fileURLWithPath: path))
  }

  /// `scores.csv` to `scores-noisy.csv`.
  package static func noisyPath(_ path: String) -> String {
    let suffix = ".csv"
    return path.lowercased().hasSuffix(suffix)
      ? path.dropLast(suffix.count) + "-noisy" + path.suffix(suffix.count) : path + "-noisy"
  }
}
