import Files
import Foundation
import Testing
import TestSupport

/// Rows of CSV files, whatever their fields hold.
@Suite struct CSVLineTests {
  private static let awkward = [
    ["a", "b"], [""], ["", ""], ["a,b", "say \"hi\"", " outer ", "größe"], ["\"", "\"\"", ",\","],
    ["two\nlines", "a\r\nb", "\n"], ["next\u{85}line", "tab\u{0b}", "\u{2028}"],
    ["x,\u{301}y", "1"],
    ["\"\u{301}", "e\u{301}"],
  ]

  @Test(arguments: awkward) func fieldsSurviveARoundTrip(fields: [String]) {
    let read = CSVLine.fields(CSVLine.text(fields))
    // Equal strings may have other bytes, and names of files are bytes.
    #expect(read?.map { Array($0.utf8) } == fields.map { Array($0.utf8) })
  }

  @Test func incompleteLinesAreRejected() {
    #expect(CSVLine.fields("a,\"b") == nil)
    #expect(CSVLine.fields("a,\"b\"\"") == nil)
    #expect(CSVLine.text(["a", "b,c"]) == "a,\"b,c\"")
  }

  @Test(arguments: ["\n", "\r\n"]) func filesSurviveARoundTrip(lineBreak: String) {
    let rows = Self.awkward.filter { $0 != [""] }
    let text = rows.map { CSVLine.text($0) + lineBreak }.joined()
    #expect(CSVLine.rows(text).map(\.fields) == rows)
    // Without a line break at the end, and with empty lines.
    #expect(CSVLine.rows(lineBreak + text.dropLast()).map(\.fields) == rows)
  }

  @Test func rowsKnowTheirLines() {
    let rows = CSVLine.rows("file,n\n\"a\nb\",1\n\nc,2\n")
    #expect(rows.map(\.line) == [1, 2, 5])
    #expect(rows.map(\.fields) == [["file", "n"], ["a\nb", "1"], ["c", "2"]])
  }

  @Test func anOpenQuoteSpoilsItsOwnLineOnly() {
    let rows = CSVLine.rows("\"a\na\",1\nb,\"2\nc,3\nd,4")
    #expect(rows.map(\.fields) == [["a\na", "1"], nil, ["c", "3"], ["d", "4"]])
    #expect(rows.map(\.line) == [1, 3, 4, 5])
  }
}
