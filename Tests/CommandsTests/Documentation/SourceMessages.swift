import Foundation

/// The texts in a program's sources. Each message is a list of fragments with something that varies
/// between them: an interpolation, or a conversion such as `%d`.
struct SourceMessages {
  private var messages: [[[UInt8]]] = []

  /// Number of messages.
  var count: Int { messages.count }

  /// Adds the string literals of a Swift file. Literals joined over `+` are one message.
  mutating func addSwift(_ text: String) {
    var lexer = SwiftLiterals(Array(Self.spellingOutCounts(in: text).utf8))
    add(lexer.messages())
  }

  /// Source text with each call of `NumberText.count` as a number and its noun in the plural, which
  /// is how documents quote it.
  private static func spellingOutCounts(in text: String) -> String {
    func plural(_ word: Substring, _ irregular: Substring??) -> String {
      (irregular ?? nil).map(String.init) ?? "\(word)s"
    }
    let inside =
      /\\\(NumberText\.count\((?:[^()"]|\([^()]*\))*, "([\w -]+)"(?:, plural: "([\w -]+)")?\)\)/
    let alone = /NumberText\.count\((?:[^()"]|\([^()]*\))*, "([\w -]+)"(?:, plural: "([\w -]+)")?\)/
    return
      text
      .replacing(inside) { "\\(0) \(plural($0.output.1, $0.output.2))" }
      .replacing(alone) { "\"\\(0) \(plural($0.output.1, $0.output.2))\"" }
  }

  /// Adds the string literals of a C file. Literals side by side are one message.
  mutating func addC(_ text: String) {
    var lexer = SwiftLiterals(Array(text.utf8), joinsNeighbours: true)
    add(lexer.messages())
  }

  private mutating func add(_ found: [[String]]) {
    messages += found.map { $0.flatMap(Self.splitAtConversions).map { Array($0.utf8) } }
  }

  /// Whether one message holds the pieces of `quotation` between its `…`, in order. Pieces under
  /// four characters say nothing; a quotation without longer ones is in no message.
  func contain(_ quotation: String) -> Bool {
    let pieces = quotation.components(separatedBy: "…")
      .map { Array($0.trimmingCharacters(in: .whitespaces).utf8) }.filter { $0.count >= 4 }
    if pieces.isEmpty { return false }
    return messages.contains { Self.holds($0, pieces) }
  }

  private static func holds(_ fragments: [[UInt8]], _ pieces: [[UInt8]]) -> Bool {
    var fragment = 0
    var offset = 0
    for piece in pieces {
      while true {
        if fragment == fragments.count { return false }
        if let end = end(of: piece, in: fragments[fragment], from: offset) {
          offset = end
          break
        }
        fragment += 1
        offset = 0
      }
    }
    return true
  }

  private static func end(of piece: [UInt8], in text: [UInt8], from offset: Int) -> Int? {
    var start = offset
    while start + piece.count <= text.count {
      if text[start] == piece[0], text[start..<(start + piece.count)].elementsEqual(piece) {
        return start + piece.count
      }
      start += 1
    }
    return nil
  }

  /// `%d`, `%.1f` and `%s` vary; `%%` is a percent sign.
  private static func splitAtConversions(_ text: String) -> [String] {
    var fragments = [""]
    var rest = Substring(text)
    while let percent = rest.firstIndex(of: "%") {
      fragments[fragments.count - 1] += rest[..<percent]
      let after = rest[rest.index(after: percent)...]
      let flags = after.prefix { $0.isNumber || "-+.*lhz".contains($0) }
      let letter = after.dropFirst(flags.count).first
      if after.first == "%" {
        fragments[fragments.count - 1] += "%"
        rest = after.dropFirst()
      } else if let letter, "diuxXcsfgeGE@p".contains(letter) {
        fragments.append("")
        rest = after.dropFirst(flags.count + 1)
      } else {
        fragments[fragments.count - 1] += "%"
        rest = after
      }
    }
    fragments[fragments.count - 1] += rest
    return fragments
  }
}

/// Finds string literals in Swift or C, without comments.
private struct SwiftLiterals {
  private let text: [UInt8]
  private let joinsNeighbours: Bool
  private var index = 0
  private var found: [[String]] = []

  init(_ text: [UInt8], joinsNeighbours: Bool = false) {
    self.text = text
    self.joinsNeighbours = joinsNeighbours
  }

  mutating func messages() -> [[String]] {
    while index < text.count {
      if skipComment() { continue }
      if text[index] == UInt8(ascii: "\"") {
        readMessage()
      } else if isCharacterLiteral {
        index += text[index + 1] == UInt8(ascii: "\\") ? 4 : 3
      } else {
        index += 1
      }
    }
    return found
  }

  /// A character such as '"' in C.
  private var isCharacterLiteral: Bool {
    joinsNeighbours && text[index] == UInt8(ascii: "'") && index + 3 < text.count
  }

  private func has(_ word: String, at place: Int) -> Bool {
    place + word.utf8.count <= text.count
      && text[place..<(place + word.utf8.count)].elementsEqual(word.utf8)
  }

  private mutating func skipComment() -> Bool {
    if has("//", at: index) {
      while index < text.count, text[index] != UInt8(ascii: "\n") { index += 1 }
      return true
    }
    if has("/*", at: index) {
      while index < text.count, !has("*/", at: index) { index += 1 }
      index = min(index + 2, text.count)
      return true
    }
    return false
  }

  private mutating func skipBlanks() {
    while index < text.count {
      if " \n\t\r".utf8.contains(text[index]) { index += 1 } else if !skipComment() { return }
    }
  }

  /// A literal and those joined to it. Other operands of `+` count as something that varies.
  private mutating func readMessage() {
    var fragments = [""]
    while true {
      readLiteral(&fragments)
      let end = index
      skipBlanks()
      if joinsNeighbours {
        if index < text.count, text[index] == UInt8(ascii: "\"") { continue }
        break
      }
      var isJoined = false
      while has("+ ", at: index) {
        index += 1
        skipBlanks()
        if index < text.count, text[index] == UInt8(ascii: "\"") {
          isJoined = true
          break
        }
        skipOperand()
        fragments.append("")
        skipBlanks()
      }
      if isJoined { continue }
      index = max(end, index)
      break
    }
    found.append(fragments)
  }

  /// A name, a call or an expression in parentheses, whose own literals are messages, too.
  private mutating func skipOperand() {
    while index < text.count {
      let byte = text[index]
      if "([".utf8.contains(byte) {
        skipParentheses()
      } else if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "?")
        || Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber
      {
        index += 1
      } else {
        return
      }
    }
  }

  /// From an opening parenthesis or bracket behind the one that closes it.
  private mutating func skipParentheses() {
    var depth = 0
    repeat {
      if skipComment() { continue }
      switch text[index] {
      case UInt8(ascii: "("), UInt8(ascii: "["):
        depth += 1
        index += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"):
        depth -= 1
        index += 1
      case UInt8(ascii: "\""): readMessage()
      default: index += 1
      }
    } while index < text.count && depth > 0
  }

  private mutating func readLiteral(_ fragments: inout [String]) {
    let quote = has("\"\"\"", at: index) && !joinsNeighbours ? "\"\"\"" : "\""
    index += quote.utf8.count
    var bytes: [UInt8] = []
    func flush(_ fragments: inout [String], _ bytes: [UInt8]) {
      fragments[fragments.count - 1] += String(decoding: bytes, as: UTF8.self)
    }
    var isAtLineStart = quote.count > 1
    while index < text.count, !has(quote, at: index) {
      let byte = text[index]
      index += 1
      if byte == UInt8(ascii: "\n"), quote.count == 1 { break }
      // Indentation of a literal of several lines; its breaks read as blanks.
      if isAtLineStart, byte == UInt8(ascii: " ") { continue }
      isAtLineStart = quote.count > 1 && byte == UInt8(ascii: "\n")
      guard byte == UInt8(ascii: "\\"), index < text.count else {
        bytes.append(byte == UInt8(ascii: "\n") ? UInt8(ascii: " ") : byte)
        continue
      }
      switch text[index] {
      case UInt8(ascii: "("):
        flush(&fragments, bytes)
        bytes = []
        fragments.append("")
        skipParentheses()
      case UInt8(ascii: "\n"):
        index += 1
        isAtLineStart = true
      case UInt8(ascii: "n"):
        bytes.append(UInt8(ascii: " "))
        index += 1
      default:
        bytes.append(text[index])
        index += 1
      }
    }
    index = min(index + quote.utf8.count, text.count)
    flush(&fragments, bytes)
  }
}
