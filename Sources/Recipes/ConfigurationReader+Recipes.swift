import Files

extension JSONValue {
  /// A limit of the gradient's norm; the string "none" if there is none.
  static func limit(_ value: Double?) -> JSONValue { value.map { .decimal($0) } ?? .string("none") }
}

extension ConfigurationReader {
  /// Gives `use` the value of `key` if it is given: a positive limit, or nil for "none".
  func readLimit(_ key: String, _ use: (Double?) -> Void) throws(ConfigurationError) {
    if try isNone(key) { return use(nil) }
    try read(key, above: 0, upTo: 1e9) { use($0) }
  }

  /// Gives `use` the value of `key` if it is given: the decay of an average, or nil for "none".
  func readDecay(_ key: String, _ use: (Double?) -> Void) throws(ConfigurationError) {
    if try isNone(key) { return use(nil) }
    if optional(key) == nil { return }
    let decay = try number(key)
    // An average whose decay is 1 as a float would never move.
    guard Float(decay) > 0 && Float(decay) < 1 else {
      throw try impossible(key, "must be above 0, and as a 32-bit float below 1")
    }
    use(decay)
  }

  /// Whether the value of `key` is "none", where a number may be.
  ///
  /// - Throws: `ConfigurationError` if it is neither.
  private func isNone(_ key: String) throws(ConfigurationError) -> Bool {
    switch optional(key) {
    case .string("none"): return true
    case nil, .integer, .number: return false
    default: throw try wrongType(key, "a number or \"none\"")
    }
  }
}
