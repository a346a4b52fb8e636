import Foundation

/// Rows of text fields, as a CSV file or in aligned columns for a terminal.
package struct TextTable {
  /// The rows, beginning with the header; all have the same number of fields.
  package var rows: [[String]]

  /// A table of `rows`.
  package init(_ rows: [[String]]) { self.rows = rows }

  /// The table as CSV: one line per row, each ended by a line break.
  package var csv: String {
    rows.map { CSVLine.text($0) + "\n" }.joined()
  }

  /// The table as text: columns two spaces apart, the first flush left and the others flush right.
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

  /// A number as text with `digits` digits after the decimal point; `inf`, `-inf` and `nan` as
  /// such.
  package static func number(_ value: Double, digits: Int) -> String {
    value.isFinite ? String(format: "%.\(digits)f", value) : "\(value)"
  }
}
