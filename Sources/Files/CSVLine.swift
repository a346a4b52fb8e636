/// A row of a CSV file.
package enum CSVLine {
  /// The fields, separated by commas, without a line break; fields with commas, quotes, line breaks
  /// or outer spaces are quoted.
  package static func text(_ fields: [String]) -> String {
    fields.map(quoted).joined(separator: ",")
  }

  /// A row of a file, which may take several lines.
  package struct Row: Equatable, Sendable {
    /// Number of its first line, from 1.
    package let line: Int
    /// Its fields; nil if its quotes do not match.
    package let fields: [String]?
  }

  /// The rows of the text of a file; empty lines are none. A line break inside quotes belongs to
  /// its field; any other (`\n`, `\r\n`) ends a row.
  ///
  /// A quote that is never closed spoils its own line only.
  package static func rows(_ text: some StringProtocol) -> [Row] {
    var rows: [Row] = []
    // Bytes: "\r\n" is one character, and so is a letter with the accent after it.
    let bytes = Array(text.utf8)
    var start = 0
    var line = 1
    while start < bytes.count {
      var end = start
      var isQuoted = false
      while end < bytes.count, isQuoted || bytes[end] != UInt8(ascii: "\n") {
        if bytes[end] == UInt8(ascii: "\"") { isQuoted.toggle() }
        end += 1
      }
      if isQuoted {
        end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      }
      var row = bytes[start..<end]
      if row.last == UInt8(ascii: "\r") { row.removeLast() }
      if !row.isEmpty {
        rows.append(Row(line: line, fields: fields(String(decoding: row, as: UTF8.self))))
      }
      line += bytes[start..<end].count { $0 == UInt8(ascii: "\n") } + 1
      start = end + 1
    }
    return rows
  }

  /// The fields of a row without the line break at its end; nil if its quotes do not match.
  package static func fields(_ row: some StringProtocol) -> [String]? {
    var fields: [[UInt8]] = [[]]
    var isQuoted = false
    var wasQuote = false
    for byte in row.utf8 {
      if byte == UInt8(ascii: "\"") {
        // Inside quotes, two quotes mean one.
        if isQuoted && wasQuote { fields[fields.count - 1].append(byte) }
        wasQuote = isQuoted && !wasQuote
        if !isQuoted { isQuoted = true }
        continue
      }
      if wasQuote {
        isQuoted = false
        wasQuote = false
      }
      if byte == UInt8(ascii: ",") && !isQuoted {
        fields.append([])
      } else {
        fields[fields.count - 1].append(byte)
      }
    }
    return isQuoted && !wasQuote ? nil : fields.map { String(decoding: $0, as: UTF8.self) }
  }

  private static func quoted(_ field: String) -> String {
    // The search is for bytes because "\r\n" is one character, which equals neither of its halves,
    // and so is a comma with an accent.
    let needsQuotes =
      field.utf8.contains { ",\"\r\n".utf8.contains($0) }
      || field.hasPrefix(" ") || field.hasSuffix(" ")
    if !needsQuotes { return field }
    let quote = UInt8(ascii: "\"")
    let doubled = field.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
    return "\"" + String(decoding: doubled, as: UTF8.self) + "\""
  }
}
