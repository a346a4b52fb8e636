/// Strict access to one JSON object of a configuration: every deviation is an error that names
/// file, key and value.
public struct ConfigurationReader {
  /// The name of the document in errors.
  public let file: String
  private let path: String
  private let members: [String: JSONValue]

  /// A reader of `value`, whose key from the top is `path`, empty for the top.
  ///
  /// - Throws: `ConfigurationError.wrongType` if `value` is no object.
  public init(_ value: JSONValue, file: String, path: String = "") throws(ConfigurationError) {
    guard case .object(let members) = value else {
      throw .wrongType(
        file: file, key: path.isEmpty ? "the document" : path, value: Self.excerpt(value),
        expected: "an object { … }")
    }
    self.file = file
    self.path = path
    self.members = members
  }

  /// Checks that the object has no other keys than `keys`.
  ///
  /// - Throws: `ConfigurationError.unknownKey` with the first other key in alphabetical order.
  public func allow(_ keys: [String]) throws(ConfigurationError) {
    if let unknown = Set(members.keys).subtracting(keys).min() {
      throw .unknownKey(file: file, key: name(unknown), allowed: keys)
    }
  }

  /// The value of `key`; nil if the key is missing.
  public func optional(_ key: String) -> JSONValue? { members[key] }

  /// The value of `key`.
  ///
  /// - Throws: `ConfigurationError.missingKey`.
  public func value(_ key: String) throws(ConfigurationError) -> JSONValue {
    guard let value = optional(key) else { throw .missingKey(file: file, key: name(key)) }
    return value
  }

  /// The value of `key` as an integer in `range`.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, or its value no such integer.
  public func integer(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
    let value = try value(key)
    guard case .integer(let number) = value else { throw try wrongType(key, "an integer") }
    guard range.contains(number) else {
      throw try impossible(key, "must be between \(range.lowerBound) and \(range.upperBound)")
    }
    return number
  }

  /// The value of `key` as a string that is not empty.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, or its value no such string.
  public func string(_ key: String) throws(ConfigurationError) -> String {
    guard case .string(let text) = try value(key) else { throw try wrongType(key, "a string") }
    if text.isEmpty { throw try impossible(key, "must not be empty") }
    return text
  }

  /// The items of the list at `key`.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, or its value no list.
  public func list(_ key: String) throws(ConfigurationError) -> [JSONValue] {
    guard case .array(let items) = try value(key) else { throw try wrongType(key, "a list") }
    return items
  }

  /// The items of the list at `key` with their paths, such as `noise.sources[1]`.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, or its value no list.
  package func items(
    _ key: String
  ) throws(ConfigurationError) -> [(path: String, value: JSONValue)] {
    try list(key).enumerated().map { ("\(name(key))[\($0)]", $1) }
  }

  /// A reader of the object at `key`.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, or its value no object.
  public func object(_ key: String) throws(ConfigurationError) -> ConfigurationReader {
    try ConfigurationReader(try value(key), file: file, path: name(key))
  }

  /// The error for a value of `key` that has another type than `expected`.
  public func wrongType(
    _ key: String, _ expected: String
  ) throws(ConfigurationError) -> ConfigurationError {
    .wrongType(
      file: file, key: name(key), value: Self.excerpt(try value(key)), expected: expected)
  }

  /// The error for a value of `key` that violates `requirement`, a clause such as "must be odd".
  public func impossible(
    _ key: String, _ requirement: String
  ) throws(ConfigurationError) -> ConfigurationError {
    .impossibleValue(
      file: file, key: name(key), value: Self.excerpt(try value(key)), requirement: requirement)
  }

  /// The beginning of a value, for an error that a person reads.
  private static func excerpt(_ value: JSONValue) -> String {
    let text = "\(value)"
    return text.count <= 200 ? text : "\(text.prefix(200))…"
  }

  private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}
