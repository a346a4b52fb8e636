import Foundation
import TestSupport

/// The tables of docs/files.md.
struct FilesPage {
  /// A row of a table.
  struct Row {
    /// The code words of the first cell: fields that share a row have a word each.
    let names: [String]
    /// The cells, trimmed.
    let cells: [String]
  }

  private let lines: [Substring]

  init() throws {
    let url = fixturesFolder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "docs/files.md")
    lines = try String(contentsOf: url, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// The headings of the level below `heading`.
  func headings(under heading: String) -> [String] {
    section("## \(heading)", until: "## ").compactMap { line in
      line.hasPrefix("### ") ? String(line.dropFirst(4)) : nil
    }
  }

  /// The rows of each table right under `heading`, at the second or third level, without their
  /// headers.
  func tables(under heading: String) -> [[Row]] {
    let level = lines.contains { $0 == "## \(heading)" } ? "##" : "###"
    var tables: [[Row]] = []
    var isTable = false
    for line in section("\(level) \(heading)", until: "##") {
      guard line.hasPrefix("|") else {
        isTable = false
        continue
      }
      if !isTable { tables.append([]) }
      isTable = true
      let cells = line.dropFirst().split(separator: "|", omittingEmptySubsequences: false)
        .dropLast().map { $0.trimmingCharacters(in: .whitespaces) }
      let words = (cells.first ?? "").split(separator: "`", omittingEmptySubsequences: false)
      let names = words.indices.filter { $0 % 2 == 1 }.map { String(words[$0]) }
      if !names.isEmpty { tables[tables.count - 1].append(Row(names: names, cells: cells)) }
    }
    return tables
  }

  /// The text under `heading`, in one line.
  func text(under heading: String) -> String {
    section("## \(heading)", until: "##").joined(separator: " ")
  }

  private func section(_ heading: String, until end: String) -> ArraySlice<Substring> {
    guard let start = lines.firstIndex(where: { $0 == heading }) else { return [] }
    return lines[(start + 1)...].prefix { !$0.hasPrefix(end) }
  }
}
