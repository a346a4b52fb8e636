import Files
import Foundation
import Platform

/// The finished epochs of a run, as `history.csv` has them. Columns that a version does not know
/// are ignored, and values that an older file lacks are those of `EpochReport.init`.
package struct RunHistory: Equatable, Sendable {
  /// The epochs, in order.
  package let rows: [EpochReport]

  /// The epoch with the highest selection score; of equal ones the first, as training keeps it.
  /// Files of earlier versions have no such score, and PESQ, or SI-SDR, decided.
  package var best: EpochReport? {
    let score =
      if rows.contains(where: { $0.selection != nil }) {
        \EpochReport.selection
      } else {
        rows.contains { $0.pesq != nil } ? \EpochReport.pesq : \EpochReport.standardScore
      }
    return rows.reduce(nil) { best, row in
      guard let own = row[keyPath: score] else { return best }
      return own > best?[keyPath: score] ?? -.infinity ? row : best
    }
  }

  /// Reads the text of the file at `path`.
  package init(_ text: String, path: String) throws(ComparisonError) {
    let lines = text.split(whereSeparator: \.isNewline)
      .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    guard let columns = lines.first, columns.starts(with: EpochReport.fieldNames.prefix(2)) else {
      throw .unreadable(path: path, reason: "it is no history of epochs")
    }
    var rows: [EpochReport] = []
    for (index, fields) in lines.enumerated().dropFirst() {
      guard fields.count == columns.count, Int(cell: fields[0]) != nil else {
        throw .unreadable(
          path: path,
          reason: "line \(index + 1) has \(NumberText.count(fields.count, "field")), not "
            + "\(columns.count)")
      }
      var reader = CellReader(cells: Dictionary(zip(columns, fields)) { $1 })
      var row = EpochReport()
      row.visit(&reader)
      rows.append(row)
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

  /// One sentence that names the folder or file and says what to do.
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

extension ComparisonError {
  /// The text of a run's file; nil if there is none.
  ///
  /// - Throws: `unreadable` if it cannot be read, or is not UTF-8.
  package static func text(_ url: URL) throws(ComparisonError) -> String? {
    do throws(UnreadableFile) {
      return try FileContents.text(url)
    } catch {
      if error.isMissing { return nil }
      throw .unreadable(path: url.path(percentEncoded: false), reason: error.reason)
    }
  }
}
