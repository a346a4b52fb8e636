/// A row of a CSV file.
package enum CSVLine {
  /// The fields, separated by commas, without a line break; fields with commas, quotes, line breaks
  /// or outer spaces are quoted.
  package static func text(_ fields: [String]) -> String {
    fields.map(quoted).joined(separator: ",")
  }

  /// The fields of a row without line breaks; nil if its quotes do not match.
  package static func fields(_ line: some StringProtocol) -> [String]? {
    var fields = [""]
    var isQuoted = false
    var wasQuote = false
    for character in line {
      if character == "\"" {
        // Inside quotes, two quotes mean one.
        if isQuoted && wasQuote { fields[fields.count - 1].append(character) }
        wasQuote = isQuoted && !wasQuote
        if !isQuoted { isQuoted = true }
        continue
      }
      if wasQuote {
        isQuoted = false
        wasQuote = false
      }
      if character == "," && !isQuoted {
        fields.append("")
      } else {
        fields[fields.count - 1].append(character)
      }
    }
    return isQuoted && !wasQuote ? nil : fields
  }

  private static func quoted(_ field: String) -> String {
    // The search is for scalars because "\r\n" is one character, which equals neither of its
    // halves.
    let needsQuotes =
      field.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
      || field.hasPrefix(" ") || field.hasSuffix(" ")
    return needsQuotes ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
  }
}
