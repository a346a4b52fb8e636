import Platform

/// Reasons for which a configuration is rejected. `file` is a path or "preset abl1"; `key` is the
/// path of keys from the top, such as `decoder.mask_taps`.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
  /// The file could not be read.
  case unreadable(file: String, reason: String)
  /// The text is not JSON.
  case notJSON(file: String, reason: String)
  /// A key is unknown: a misspelling, or a setting of another program.
  case unknownKey(file: String, key: String, allowed: [String])
  /// An object has a key twice, the second time in `line`.
  case doubledKey(file: String, key: String, line: Int)
  /// Two settings of the command line give values for the same key.
  case contradiction(key: String, setting: String, other: String)
  /// A required key is missing.
  case missingKey(file: String, key: String)
  /// The value has another type than `expected`.
  case wrongType(file: String, key: String, value: String, expected: String)
  /// The value has the right type but violates `requirement`.
  case impossibleValue(file: String, key: String, value: String, requirement: String)
  /// Features, layers and the rest are each possible, but not together.
  case tooLarge(file: String, parameters: Int, limit: Int)
  /// The name is neither that of a preset nor of a file.
  case unknownPreset(name: String, known: [String])
  /// The name is neither that of a recipe nor of a file.
  case unknownRecipe(name: String, known: [String])

  /// One sentence that names the file, the key and what to do.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      return "\(file): the configuration cannot be read: \(reason)"
    case .notJSON(let file, let reason):
      return "\(file): the configuration is not valid JSON: \(reason)"
    case .unknownKey(let file, let key, let allowed):
      // Written as JSON: a damaged key may have line breaks.
      return "\(file): unknown key \(Self.cut("\(JSONValue.string(key))")); allowed here are "
        + allowed.joined(separator: ", ") + Self.hint(key, allowed)
    case .doubledKey(let file, let key, let line):
      return "\(file): the key \(Self.cut("\(JSONValue.string(key))")) is given twice, the second "
        + "time in line \(line); leave one out"
    case .contradiction(let key, let setting, let other):
      return "\(setting) and \(other) both decide \"\(key)\" of the recipe; leave one out"
    case .missingKey(let file, let key):
      return "\(file): the key \"\(key)\" is missing; add it"
    case .wrongType(let file, let key, let value, let expected):
      return "\(file): \"\(key)\" must be \(expected), not \(Self.cut(value))"
    case .impossibleValue(let file, let key, let value, let requirement):
      return "\(file): \"\(key)\" is \(Self.cut(value)), but \(requirement)"
    case .tooLarge(let file, let parameters, let limit):
      return "\(file): the model has \(parameters) parameters, more than \(limit); lower "
        + "\"features\", \"layers\" or \"expand\""
    case .unknownPreset(let name, let known):
      return "there is no preset \"\(name)\"; give one of \(known.joined(separator: ", ")), or the "
        + "path of a JSON file"
    case .unknownRecipe(let name, let known):
      return "there is no recipe \"\(name)\"; give one of \(known.joined(separator: ", ")), or the "
        + "path of a JSON file"
    }
  }

  /// The allowed key that is most likely meant by the last part of `key`, as a question.
  private static func hint(_ key: String, _ allowed: [String]) -> String {
    let word = key.split(separator: ".").last.map(String.init) ?? key
    return SimilarWord.nearest(to: word, of: allowed).map { "; did you mean \"\($0)\"?" } ?? ""
  }

  /// The beginning of a text of the file, which may be a megabyte.
  private static func cut(_ text: String) -> String {
    text.count <= 100 ? text : "\(text.prefix(100))…"
  }
}
