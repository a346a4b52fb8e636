import Platform

extension JSONValue {
  /// A number; written without a fraction if it has none, as a reader returns it.
  package static func decimal(_ value: Double) -> JSONValue {
    Int(exactly: value).map { .integer($0) } ?? .number(value)
  }
}

extension ConfigurationReader {
  /// The value of `key` as a number.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, or its value no number.
  package func number(_ key: String) throws(ConfigurationError) -> Double {
    switch try value(key) {
    case .integer(let value): return Double(value)
    case .number(let value): return value
    default: throw try wrongType(key, "a number")
    }
  }

  /// The value of `key` as one of `choices`, which are strings in a file.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, or its value none of them.
  package func choice<Choice: RawRepresentable<String>>(
    _ key: String, _ choices: [Choice]
  ) throws(ConfigurationError) -> Choice {
    guard let choice = Choice(rawValue: try string(key)) else {
      throw try impossible(
        key, "must be one of " + choices.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))
    }
    return choice
  }

  /// Throws unless `value` of `key` is 0 or a number that the computation, in floats, tells from 0.
  private func requireDistinct(
    _ key: String, _ value: Double
  ) throws(ConfigurationError) {
    if abs(value) < Double(Float.leastNormalMagnitude) && value != 0 {
      throw try impossible(key, "must not be that small: a 32-bit float has no such number")
    }
  }

  /// Gives `use` the value of `key` if it is given: a number above `least`, at most `most`.
  package func read(
    _ key: String, above least: Double, upTo most: Double, _ use: (Double) -> Void
  ) throws(ConfigurationError) {
    if optional(key) == nil { return }
    let value = try number(key)
    guard value > least && value <= most else {
      throw try impossible(
        key, "must be above \(NumberText.setting(least)) and at most \(NumberText.setting(most))")
    }
    try requireDistinct(key, value)
    use(value)
  }

  /// Gives `use` the value of `key` if it is given: a number of at least `least`, below `bound`.
  package func read(
    _ key: String, from least: Double, below bound: Double, _ use: (Double) -> Void
  ) throws(ConfigurationError) {
    if optional(key) == nil { return }
    let value = try number(key)
    guard value >= least && value < bound else {
      throw try impossible(
        key,
        "must be at least \(NumberText.setting(least)) and below \(NumberText.setting(bound))")
    }
    try requireDistinct(key, value)
    use(value)
  }

  /// Gives `use` the value of `key` if it is given: an integer in `range`, or nil for the string
  /// `word`.
  package func read(
    _ key: String, in range: ClosedRange<Int>, or word: String, _ use: (Int?) -> Void
  ) throws(ConfigurationError) {
    guard let value = optional(key) else { return }
    if value.string == word { return use(nil) }
    guard case .integer = value else { throw try wrongType(key, "an integer or \"\(word)\"") }
    use(try integer(key, in: range))
  }

  /// Gives `use` the value of `key` if it is given: an integer in `range`.
  package func read(
    _ key: String, in range: ClosedRange<Int>, _ use: (Int) -> Void
  ) throws(ConfigurationError) {
    if optional(key) != nil { use(try integer(key, in: range)) }
  }
}
