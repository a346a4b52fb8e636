import Files

/// Strict access to one JSON object of a configuration: every deviation is an error that names
/// file, key and value.
public struct ConfigurationReader {
  /// What errors call the document.
  public let file: String
  private let path: String
  private let members: [String: JSONValue]

  /// Reads `value`, which must be an object; `path` is its key from the top, empty for the top.
  public init(_ value: JSONValue, file: String, path: String = "") throws(ConfigurationError) {
    guard case .object(let members) = value else {
      throw .wrongType(
        file: file, key: path.isEmpty ? "the document" : path, value: "\(value)",
        expected: "an object { … }")
    }
    self.file = file
    self.path = path
    self.members = members
  }

  /// Throws for a key that is not one of `keys`, the first in alphabetical order.
  public func allow(_ keys: [String]) throws(ConfigurationError) {
    if let unknown = Set(members.keys).subtracting(keys).min() {
      throw .unknownKey(file: file, key: name(unknown), allowed: keys)
    }
  }

  /// The value of `key` if it is there.
  public func optional(_ key: String) -> JSONValue? { members[key] }

  /// The value of `key`.
  public func value(_ key: String) throws(ConfigurationError) -> JSONValue {
    guard let value = optional(key) else { throw .missingKey(file: file, key: name(key)) }
    return value
  }

  /// The integer of `key`, which must lie in `range`.
  public func integer(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
    let value = try value(key)
    guard case .integer(let number) = value else { throw try wrongType(key, "an integer") }
    guard range.contains(number) else {
      throw try impossible(key, "must be between \(range.lowerBound) and \(range.upperBound)")
    }
    return number
  }

  /// The string of `key`, which must not be empty.
  public func string(_ key: String) throws(ConfigurationError) -> String {
    guard case .string(let text) = try value(key) else { throw try wrongType(key, "a string") }
    if text.isEmpty { throw try impossible(key, "must not be empty") }
    return text
  }

  /// The items of the list of `key`.
  public func list(_ key: String) throws(ConfigurationError) -> [JSONValue] {
    guard case .array(let items) = try value(key) else { throw try wrongType(key, "a list") }
    return items
  }

  /// The object of `key`.
  public func object(_ key: String) throws(ConfigurationError) -> ConfigurationReader {
    try ConfigurationReader(try value(key), file: file, path: name(key))
  }

  /// The error that the value of `key` is of another type than `expected`.
  public func wrongType(
    _ key: String, _ expected: String
  ) throws(ConfigurationError) -> ConfigurationError {
    .wrongType(file: file, key: name(key), value: "\(try value(key))", expected: expected)
  }

  /// The error that the value of `key` breaks `requirement`, a clause such as "must be odd".
  public func impossible(
    _ key: String, _ requirement: String
  ) throws(ConfigurationError) -> ConfigurationError {
    .impossibleValue(
      file: file, key: name(key), value: "\(try value(key))", requirement: requirement)
  }

  private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}
