import Files
import Models
import Platform

extension JSONValue {
  /// A number; written without a fraction if it has none, as a reader returns it.
  static func decimal(_ value: Double) -> JSONValue {
    Int(exactly: value).map { .integer($0) } ?? .number(value)
  }
}

extension ConfigurationReader {
  /// The value of `key` as a number.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, or its value no number.
  func number(_ key: String) throws(ConfigurationError) -> Double {
    switch try value(key) {
    case .integer(let value): return Double(value)
    case .number(let value): return value
    default: throw try wrongType(key, "a number")
    }
  }

  /// The value of `key` as one of `choices`, which are strings in a recipe.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, or its value none of them.
  func choice<Choice: RawRepresentable<String>>(
    _ key: String, _ choices: [Choice]
  ) throws(ConfigurationError) -> Choice {
    guard let choice = Choice(rawValue: try string(key)) else {
      throw try impossible(
        key, "must be one of " + choices.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))
    }
    return choice
  }

  /// Gives `use` the value of `key` if it is given: a number above `least`, at most `most`.
  func read(
    _ key: String, above least: Double, upTo most: Double, _ use: (Double) -> Void
  ) throws(ConfigurationError) {
    if optional(key) == nil { return }
    let value = try number(key)
    guard value > least && value <= most else {
      throw try impossible(
        key, "must be above \(NumberText.setting(least)) and at most \(NumberText.setting(most))")
    }
    use(value)
  }

  /// Gives `use` the value of `key` if it is given: a number of at least `least`, below `bound`.
  func read(
    _ key: String, from least: Double, below bound: Double, _ use: (Double) -> Void
  ) throws(ConfigurationError) {
    if optional(key) == nil { return }
    let value = try number(key)
    guard value >= least && value < bound else {
      throw try impossible(
        key,
        "must be at least \(NumberText.setting(least)) and below \(NumberText.setting(bound))")
    }
    use(value)
  }

  /// Gives `use` the value of `key` if it is given: an integer in `range`.
  func read(
    _ key: String, in range: ClosedRange<Int>, _ use: (Int) -> Void
  ) throws(ConfigurationError) {
    if optional(key) != nil { use(try integer(key, in: range)) }
  }
}

extension JSONValue {
  /// A limit of the gradient's norm; the string "none" if there is none.
  static func limit(_ value: Double?) -> JSONValue { value.map { .decimal($0) } ?? .string("none") }
}

extension ConfigurationReader {
  /// Gives `use` the value of `key` if it is given: a positive limit, or nil for "none".
  func readLimit(_ key: String, _ use: (Double?) -> Void) throws(ConfigurationError) {
    guard let value = optional(key) else { return }
    if value.string == "none" { return use(nil) }
    switch value {
    case .integer, .number: break
    default: throw try wrongType(key, "a number or \"none\"")
    }
    try read(key, above: 0, upTo: 1e9) { use($0) }
  }
}
