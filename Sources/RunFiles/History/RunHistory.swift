import Foundation
import Metrics
import Platform

/// The finished epochs of a run, as `history.csv` has them. Columns that a version does not know,
/// or that an older file lacks, do no harm.
package struct RunHistory: Equatable, Sendable {
  /// One epoch.
  package struct Row: Equatable, Sendable {
    package let epoch: Int
    /// By column; what was not measured is missing.
    package let values: [String: Double]

    /// Mean quality of the enhanced utterances.
    package var pesq: Double? { values["pesq"] }
    /// That of the same utterances unprocessed.
    package var noisyPESQ: Double? { values["noisy_pesq"] }
    /// dB.
    package var siSDR: Double? { values["si_sdr"] }
    /// Wall-clock time.
    var seconds: Double? { values["seconds"] }
  }

  package let rows: [Row]

  /// The epoch with the highest score; of equal ones the first, as training keeps it.
  package var best: Row? {
    rows.reduce(nil) { best, row in
      guard let score = row.pesq else { return best }
      return score > best?.pesq ?? -.infinity ? row : best
    }
  }

  /// Reads the text of the file at `path`.
  package init(_ text: String, path: String) throws(ComparisonError) {
    let lines = text.split(whereSeparator: \.isNewline)
      .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    guard let columns = lines.first, columns.first == "epoch", columns.contains("pesq") else {
      throw .unreadable(path: path, reason: "it is no history of epochs")
    }
    var rows: [Row] = []
    for (index, fields) in lines.enumerated().dropFirst() {
      guard fields.count == columns.count, let epoch = Int(fields[0]) else {
        throw .unreadable(
          path: path,
          reason: "line \(index + 1) has \(NumberText.count(fields.count, "field")), not "
            + "\(columns.count)")
      }
      let numbers = zip(columns, fields).compactMap { column, field in
        Double(field).flatMap { $0.isFinite ? (column, $0) : nil }
      }
      rows.append(Row(epoch: epoch, values: Dictionary(numbers) { $1 }))
    }
    self.rows = rows
  }
}

/// Why runs cannot be compared.
package enum ComparisonError: Error, Equatable, CustomStringConvertible {
  /// It is no run folder.
  case notARun(path: String)
  /// A file of a run cannot be read.
  case unreadable(path: String, reason: String)
  /// A run is given twice.
  case twice(path: String)

  /// One sentence naming the folder or file and what to do.
  package var description: String {
    switch self {
    case .notARun(let path):
      "\(path) is no run folder (it has no configuration.json); give the --run-dir of train"
    case .unreadable(let path, let reason):
      "\(path) cannot be read: \(reason)"
    case .twice(let path):
      "\(path) is given twice"
    }
  }
}
