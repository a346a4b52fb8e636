/// Why a configuration was rejected. `file` is a path or "preset abl1"; `key` is the path of keys
/// from the top, such as `decoder.mask_taps`.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
  /// The file could not be read.
  case unreadable(file: String, reason: String)
  /// The text is not JSON.
  case notJSON(file: String, reason: String)
  /// A key that nobody reads: a misspelling, or a setting of another program.
  case unknownKey(file: String, key: String, allowed: [String])
  /// A key that must be there is not.
  case missingKey(file: String, key: String)
  /// The value is of another type.
  case wrongType(file: String, key: String, value: String, expected: String)
  /// The value is of the right type but cannot be.
  case impossibleValue(file: String, key: String, value: String, requirement: String)
  /// Neither a preset nor a file.
  case unknownPreset(name: String, known: [String])

  /// One sentence that names the file, the key and what to do.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      return "The configuration \(file) cannot be read: \(reason)."
    case .notJSON(let file, let reason):
      return "\(file) is not valid JSON: \(reason)."
    case .unknownKey(let file, let key, let allowed):
      return "\(file): unknown key \"\(key)\"; allowed here are \(allowed.joined(separator: ", "))."
    case .missingKey(let file, let key):
      return "\(file): the key \"\(key)\" is missing."
    case .wrongType(let file, let key, let value, let expected):
      return "\(file): \"\(key)\" must be \(expected), not \(value)."
    case .impossibleValue(let file, let key, let value, let requirement):
      return "\(file): \"\(key)\" is \(value), but \(requirement)."
    case .unknownPreset(let name, let known):
      return "There is no preset \"\(name)\"; the presets are \(known.joined(separator: ", ")). "
        + "The path of a JSON file of your own works as well."
    }
  }
}
