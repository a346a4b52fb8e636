import Foundation

/// The parts of a Markdown page that name things outside it: commands, links, and text in code
/// font.
struct MarkdownPage {
  /// A fenced code block.
  struct Fence {
    let language: String
    /// Number of the block's first line after the fence.
    let line: Int
    let text: [String]
  }

  /// A part of the text, and the number of the line that it begins in.
  struct Span {
    let line: Int
    let text: String
  }

  /// A row of a table without its heading, and the heading of the section that it is in.
  struct Row {
    let section: String
    let line: Int
    let cells: [String]
  }

  /// Path from the root of the repository.
  let path: String
  private(set) var fences: [Fence] = []
  private(set) var codeSpans: [Span] = []
  private(set) var links: [Span] = []
  private(set) var rows: [Row] = []
  /// Names that a link can have behind `#`, as GitHub makes them from headings.
  private(set) var anchors: Set<String> = []

  private var section = ""
  private var anchorCounts: [String: Int] = [:]

  /// Reads a page.
  init(path: String, text: String) {
    self.path = path
    var fence: (language: String, line: Int, text: [String])?
    var paragraph: [String] = []
    var paragraphLine = 1
    let lines = text.components(separatedBy: "\n")
    for (index, line) in lines.enumerated() {
      let trimmed = line.trimmingCharacters(in: .whitespaces)
      if trimmed.hasPrefix("```") {
        if let open = fence {
          fences.append(Fence(language: open.language, line: open.line, text: open.text))
          fence = nil
        } else {
          readParagraph(paragraph, from: paragraphLine)
          paragraph = []
          fence = (String(trimmed.drop { $0 == "`" }), index + 2, [])
        }
        continue
      }
      if fence != nil {
        fence?.text.append(line)
        continue
      }
      let isTable = trimmed.hasPrefix("|")
      if trimmed.isEmpty || isTable || trimmed.hasPrefix("#") {
        readParagraph(paragraph, from: paragraphLine)
        paragraph = []
      }
      if trimmed.isEmpty { continue }
      if isTable || trimmed.hasPrefix("#") {
        if isTable { readRow(trimmed, line: index + 1) } else { readHeading(trimmed) }
        readParagraph([line], from: index + 1)
      } else {
        if paragraph.isEmpty { paragraphLine = index + 1 }
        paragraph.append(line)
      }
    }
    readParagraph(paragraph, from: paragraphLine)
  }

  /// The code spans of a piece of text, such as the cell of a table.
  static func codeSpans(of text: String) -> [String] {
    separate(Array(text)).spans.map(\.text)
  }

  private mutating func readHeading(_ line: String) {
    let title = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces)
    section = title
    let name = Self.anchor(of: title)
    let count = anchorCounts[name, default: 0]
    anchorCounts[name] = count + 1
    anchors.insert(count == 0 ? name : "\(name)-\(count)")
  }

  /// Lower case, without punctuation, blanks as hyphens.
  static func anchor(of title: String) -> String {
    String(
      title.lowercased().compactMap { character in
        if character == " " { return "-" }
        return character.isLetter || character.isNumber || "-_".contains(character)
          ? character : nil
      })
  }

  private mutating func readRow(_ line: String, line number: Int) {
    let cells = line.replacingOccurrences(of: "\\|", with: "\u{1}").split(
      separator: "|", omittingEmptySubsequences: false
    ).dropFirst().map {
      $0.replacingOccurrences(of: "\u{1}", with: "|").trimmingCharacters(in: .whitespaces)
    }
    let isRule = cells.allSatisfy { $0.allSatisfy { "-: ".contains($0) } }
    if !isRule { rows.append(Row(section: section, line: number, cells: cells)) }
  }

  private mutating func readParagraph(_ lines: [String], from first: Int) {
    if lines.isEmpty { return }
    let text = Array(lines.joined(separator: "\n"))
    func line(of index: Int) -> Int { first + text[..<index].count { $0 == "\n" } }
    let (spans, rest) = Self.separate(text)
    codeSpans += spans.map { Span(line: line(of: $0.start), text: $0.text) }
    var index = 0
    while index + 1 < rest.count {
      defer { index += 1 }
      if rest[index] == "]", rest[index + 1] == "(",
        let end = rest[(index + 2)...].firstIndex(of: ")")
      {
        links.append(Span(line: line(of: index), text: String(rest[(index + 2)..<end])))
      }
    }
  }

  /// The code spans, and the text with blanks in their places.
  private static func separate(
    _ text: [Character]
  ) -> (spans: [(start: Int, text: String)], rest: [Character]) {
    var spans: [(Int, String)] = []
    var rest = text
    var index = 0
    /// The number of backticks from `position` on.
    func ticks(_ position: Int) -> Int { text[position...].prefix { $0 == "`" }.count }
    while index < text.count {
      let count = ticks(index)
      if count == 0 {
        index += 1
        continue
      }
      var end = index + count
      while end < text.count, ticks(end) != count { end += max(1, ticks(end)) }
      if end < text.count {
        let inside = String(text[(index + count)..<end]).replacingOccurrences(of: "\n", with: " ")
        spans.append((index, inside.trimmingCharacters(in: .whitespaces)))
        for place in index..<(end + count) where rest[place] != "\n" { rest[place] = " " }
        index = end + count
      } else {
        index += count
      }
    }
    return (spans, rest)
  }
}
