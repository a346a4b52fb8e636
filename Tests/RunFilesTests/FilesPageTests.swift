import Files
import RunFiles
import Testing

/// docs/files.md lists what the files of a run have, no more and no less.
@Suite struct FilesPageTests {
  @Test func thePageHasEveryKindOfEvent() throws {
    let page = try FilesPage()
    #expect(
      page.headings(under: "metrics.jsonl").sorted() == RunEvent.kinds.map { $0.name }.sorted())
    // Every line has these.
    let common = page.tables(under: "metrics.jsonl").flatMap { $0 }.flatMap { $0.names }
    #expect(common == ["event", "time"])
  }

  @Test(arguments: RunEvent.kinds.map { $0.name })
  func thePageHasEveryField(kind: String) throws {
    let fields = try #require(RunEvent.kinds.first { $0.name == kind }).init()
    let tables = try FilesPage().tables(under: kind)
    try #require(tables.count == 1)
    let names = tables[0].flatMap { $0.names }
    #expect(Set(names) == Set(fields.fields.map(\.name)))
    #expect(names.count == fields.fields.count)
    // The type, where a value tells it: a value that may be missing has none before it is read.
    for row in tables[0] {
      for (name, value) in fields.fields where row.names.contains(name) {
        if let type = value.type {
          #expect(row.cells[1].hasPrefix(type), "\(kind).\(name) is \(row.cells[1])")
        }
      }
    }
  }

  @Test func thePageHasEveryColumnOfTheHistory() throws {
    let text = try FilesPage().text(under: "history.csv")
    let list = text.prefix { $0 != "." }
    let words = list.split(separator: "`", omittingEmptySubsequences: false)
    #expect(
      words.indices.filter { $0 % 2 == 1 }.map { String(words[$0]) } == EpochReport.fieldNames)
    #expect(HistoryCSV.header == EpochReport.fieldNames.joined(separator: ","))
  }
}

extension JSONValue {
  /// The word for its type in docs/files.md; nil for null.
  fileprivate var type: String? {
    switch self {
    case .null: nil
    case .bool: "boolean"
    case .integer: "integer"
    case .number: "number"
    case .string: "string"
    case .array: "array of "
    case .object: "object"
    }
  }
}
