import Foundation

/// Rows of texts, as a CSV file or in columns for a terminal.
package struct TextTable {
  /// The rows, a header first; all of the same length.
  package var rows: [[String]]

  /// A table of `rows`.
  package init(_ rows: [[String]]) { self.rows = rows }

  /// One line a row, each ended by a line break.
  package var csv: String {
    rows.map { CSVLine.text($0) + "\n" }.joined()
  }

  /// Columns two spaces apart, the first flush left and the others flush right.
  package var aligned: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.compactMap { column < $0.count ? $0[column].count : nil }.max() ?? 0
    }
    return rows.map { row in
      row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + space : space + text
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }

  /// A number with so many digits behind the point; `inf`, `-inf` and `nan` as such.
  package static func number(_ value: Double, digits: Int) -> String {
    value.isFinite ? String(format: "%.\(digits)f", value) : "\(value)"
  }
}
