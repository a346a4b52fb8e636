/// A JSON document as a tree, object members in the order of the text.
///
/// Foundation's decoder accepts an object that names a key twice and forgets the order of keys.
/// Weight files must reject the first, and configuration errors want to quote the value they
/// reject; so this package reads its JSON itself.
public enum JSONValue: Sendable, Equatable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number written without fraction or exponent that fits an `Int`.
  case integer(Int)
  /// Any other finite number.
  case number(Double)
  /// A string, escapes resolved.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// An object; no key occurs twice.
  case object([Member])

  /// One `"key": value` of an object.
  public struct Member: Sendable, Equatable {
    /// The name.
    public let key: String
    /// What it names.
    public let value: JSONValue

    /// A member of these two parts.
    public init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// A list of integers.
  public static func integers(_ values: [Int]) -> JSONValue { .array(values.map { .integer($0) }) }

  /// The value of `key`; nil where this is no object or has no such key.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The string this is; nil for anything else.
  public var string: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  /// The list of integers this is; nil for anything else.
  public var integers: [Int]? {
    guard case .array(let items) = self else { return nil }
    var result: [Int] = []
    result.reserveCapacity(items.count)
    for item in items {
      guard case .integer(let value) = item else { return nil }
      result.append(value)
    }
    return result
  }
}

// MARK: - Text

extension JSONValue: CustomStringConvertible {
  /// The value as JSON on one line, without spaces: the form of safetensors headers.
  public var description: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += String(value)
    case .string(let value): JSONValue.quote(value, to: &text)
    case .array(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        item.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        JSONValue.quote(member.key, to: &text)
        text += ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }

  private static func quote(_ value: String, to text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

// MARK: - Codable

extension JSONValue: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
  }

  /// Reads any value; objects come with their keys sorted, since decoders do not keep the order.
  public init(from decoder: any Decoder) throws {
    if let keyed = try? decoder.container(keyedBy: Key.self) {
      let keys = keyed.allKeys.sorted { $0.stringValue < $1.stringValue }
      self = .object(
        try keys.map { Member($0.stringValue, try keyed.decode(JSONValue.self, forKey: $0)) })
      return
    }
    if var list = try? decoder.unkeyedContainer() {
      var items: [JSONValue] = []
      while !list.isAtEnd { items.append(try list.decode(JSONValue.self)) }
      self = .array(items)
      return
    }
    let single = try decoder.singleValueContainer()
    if single.decodeNil() {
      self = .null
    } else if let value = try? single.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? single.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? single.decode(Double.self) {
      self = .number(value)
    } else {
      self = .string(try single.decode(String.self))
    }
  }

  /// Writes the value.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .object(let members):
      var keyed = encoder.container(keyedBy: Key.self)
      for member in members {
        try keyed.encode(member.value, forKey: Key(stringValue: member.key))
      }
    case .array(let items):
      var list = encoder.unkeyedContainer()
      for item in items { try list.encode(item) }
    case .null:
      var single = encoder.singleValueContainer()
      try single.encodeNil()
    case .bool(let value):
      var single = encoder.singleValueContainer()
      try single.encode(value)
    case .integer(let value):
      var single = encoder.singleValueContainer()
      try single.encode(value)
    case .number(let value):
      var single = encoder.singleValueContainer()
      try single.encode(value)
    case .string(let value):
      var single = encoder.singleValueContainer()
      try single.encode(value)
    }
  }
}
