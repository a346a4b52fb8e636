/// Why a text is not the JSON document it should be, and where.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// What kind of fault.
  public enum Problem: Sendable, Equatable {
    /// The bytes are not UTF-8.
    case notUTF8
    /// Something else than the grammar asks for.
    case expected(String)
    /// An object names this key twice.
    case duplicateKey(String)
    /// Lists and objects nested deeper than any file of ours.
    case tooDeep
    /// A number beyond the range of a `Double`.
    case numberTooLarge
  }

  /// What is wrong.
  public let problem: Problem
  /// Line of the fault, from 1.
  public let line: Int
  /// Byte within that line, from 1.
  public let column: Int

  /// The fault in one clause, with its place.
  public var description: String {
    let place = "at line \(line), column \(column)"
    switch problem {
    case .notUTF8: return "the text is not valid UTF-8"
    case .expected(let what): return "expected \(what) \(place)"
    case .duplicateKey(let key): return "the key \"\(key)\" occurs twice, the second time \(place)"
    case .tooDeep: return "lists or objects are nested too deeply \(place)"
    case .numberTooLarge: return "the number \(place) is too large"
    }
  }
}

extension JSONValue {
  /// Parses a complete document in UTF-8 (RFC 8259).
  ///
  /// - Throws: `JSONError` for anything outside the grammar, and for a key that occurs twice.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw JSONError(problem: .notUTF8, line: 1, column: 1)
    }
    var parser = JSONParser(bytes: bytes)
    self = try parser.document()
  }
}

/// A recursive descent over bytes that are known to be UTF-8.
private struct JSONParser {
  private static let deepest = 64
  private let bytes: [UInt8]
  private var index = 0
  private var depth = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(JSONError) -> JSONValue {
    let value = try value()
    skipSpace()
    if index < bytes.count { throw fault(.expected("the end of the text")) }
    return value
  }

  private mutating func value() throws(JSONError) -> JSONValue {
    skipSpace()
    guard let byte = peek else { throw fault(.expected("a value")) }
    switch byte {
    case UInt8(ascii: "{"): return try nested { parser throws(JSONError) in try parser.object() }
    case UInt8(ascii: "["): return try nested { parser throws(JSONError) in try parser.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw fault(.expected("a value"))
    }
  }

  private mutating func nested(
    _ body: (inout JSONParser) throws(JSONError) -> JSONValue
  ) throws(JSONError) -> JSONValue {
    // A hostile file must not be able to exhaust the stack.
    if depth == JSONParser.deepest { throw fault(.tooDeep) }
    depth += 1
    let result = try body(&self)
    depth -= 1
    return result
  }

  private mutating func object() throws(JSONError) -> JSONValue {
    index += 1
    var members: [JSONValue.Member] = []
    var keys: Set<String> = []
    if take("}") { return .object([]) }
    repeat {
      skipSpace()
      guard peek == UInt8(ascii: "\"") else { throw fault(.expected("a key in quotes")) }
      let start = index
      let key = try string()
      guard keys.insert(key).inserted else { throw fault(.duplicateKey(key), at: start) }
      guard take(":") else { throw fault(.expected("\":\"")) }
      members.append(JSONValue.Member(key, try value()))
    } while take(",")
    guard take("}") else { throw fault(.expected("\",\" or \"}\"")) }
    return .object(members)
  }

  private mutating func array() throws(JSONError) -> JSONValue {
    index += 1
    var items: [JSONValue] = []
    if take("]") { return .array([]) }
    repeat { items.append(try value()) } while take(",")
    guard take("]") else { throw fault(.expected("\",\" or \"]\"")) }
    return .array(items)
  }

  private mutating func word(_ text: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
    guard bytes[index...].starts(with: text.utf8) else { throw fault(.expected("a value")) }
    index += text.utf8.count
    return value
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = index
    var isInteger = true
    if peek == UInt8(ascii: "-") { index += 1 }
    if peek == UInt8(ascii: "0") {
      index += 1
    } else {
      try digits()
    }
    if peek == UInt8(ascii: ".") {
      isInteger = false
      index += 1
      try digits()
    }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      isInteger = false
      index += 1
      if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { index += 1 }
      try digits()
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw fault(.numberTooLarge, at: start)
    }
    return .number(value)
  }

  private mutating func digits() throws(JSONError) {
    let start = index
    while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { index += 1 }
    if index == start { throw fault(.expected("a digit")) }
  }

  private mutating func string() throws(JSONError) -> String {
    index += 1
    var text: [UInt8] = []
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        index += 1
        text.append(contentsOf: String(Character(try escape())).utf8)
      case 0..<0x20: throw fault(.expected("a closing quote before the control character"))
      default:
        text.append(byte)
        index += 1
      }
    }
    throw fault(.expected("a closing quote"))
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    let letter = peek
    index += 1
    switch letter {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw fault(.expected("a valid escape"), at: index - 1)
    }
  }

  private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let start = index
    let high = try codeUnit()
    if let scalar = Unicode.Scalar(high) { return scalar }
    // A character outside the basic plane is written as two code units of UTF-16.
    guard high < 0xdc00, peek == UInt8(ascii: "\\") else {
      throw fault(.expected("a complete surrogate pair"), at: start)
    }
    index += 1
    guard peek == UInt8(ascii: "u") else {
      throw fault(.expected("a complete surrogate pair"), at: start)
    }
    index += 1
    let low = try codeUnit()
    guard (0xdc00..<0xe000).contains(low),
      let scalar = Unicode.Scalar(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
    else { throw fault(.expected("a complete surrogate pair"), at: start) }
    return scalar
  }

  private mutating func codeUnit() throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw fault(.expected("four hexadecimal digits"))
      }
      unit = unit << 4 | UInt32(digit)
      index += 1
    }
    return unit
  }

  private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard peek == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || (0x09...0x0a).contains(byte) || byte == 0x0d {
      index += 1
    }
  }

  private func fault(_ problem: JSONError.Problem, at place: Int? = nil) -> JSONError {
    let before = bytes[..<min(place ?? index, bytes.count)]
    let lineStart = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    return JSONError(
      problem: problem, line: before.count { $0 == 0x0a } + 1, column: before.count - lineStart + 1)
  }
}
