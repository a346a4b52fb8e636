import Files
import Platform

extension ConfigurationReader {
  /// Largest weight, so that sums of weights are finite.
  private static let largestWeight = 1e12

  /// The range [a, b] at `key`, a ≤ b, both within `bounds`; nil if the key is missing.
  func range(
    _ key: String, within bounds: ClosedRange<Double>
  ) throws(ConfigurationError) -> ClosedRange<Double>? {
    guard let value = optional(key) else { return nil }
    guard let ends = value.numbers, ends.count == 2 else {
      throw try wrongType(key, "a range [a, b] of two numbers")
    }
    guard ends[0] <= ends[1] else {
      throw try impossible(key, "its first number must not be above the second")
    }
    guard bounds.contains(ends[0]), bounds.contains(ends[1]) else {
      throw try impossible(
        key,
        "both numbers must be between \(NumberText.setting(bounds.lowerBound)) and "
          + NumberText.setting(bounds.upperBound))
    }
    return ends[0]...ends[1]
  }

  /// The probability at `key`; nil if the key is missing.
  func probability(_ key: String) throws(ConfigurationError) -> Double? {
    if optional(key) == nil { return nil }
    let value = try number(key)
    guard (0...1).contains(value) else { throw try impossible(key, "must be between 0 and 1") }
    return value
  }

  /// The weight at `key`; nil if the key is missing.
  func weight(_ key: String) throws(ConfigurationError) -> Double? {
    if optional(key) == nil { return nil }
    let value = try number(key)
    guard (0...Self.largestWeight).contains(value) else { throw try impossible(key, Self.weights) }
    return value
  }

  /// The weights at `key`, with a positive sum; nil if the key is missing.
  func weights(_ key: String) throws(ConfigurationError) -> [Double]? {
    guard let value = optional(key) else { return nil }
    guard let weights = value.numbers else { throw try wrongType(key, "a list of numbers") }
    guard weights.allSatisfy((0...Self.largestWeight).contains) else {
      throw try impossible(key, "every weight " + Self.weights)
    }
    guard weights.contains(where: { $0 > 0 }) else {
      throw try impossible(key, "one weight must be above 0")
    }
    return weights
  }

  private static let weights = "must be between 0 and \(NumberText.setting(largestWeight))"
}

extension JSONValue {
  /// The value as a list of numbers; nil for other values.
  fileprivate var numbers: [Double]? {
    guard case .array(let items) = self else { return nil }
    var result: [Double] = []
    for item in items {
      switch item {
      case .integer(let value): result.append(Double(value))
      case .number(let value): result.append(value)
      default: return nil
      }
    }
    return result
  }

  /// The list [a, b].
  static func range(_ range: ClosedRange<Double>) -> JSONValue {
    .array([.decimal(range.lowerBound), .decimal(range.upperBound)])
  }
}
