import Files

/// Lists of numbers with repeats, in which `[2, "3x10", "8x12"]` is one 2, ten 3s and twelve 8s.
extension ConfigurationReader {
  /// Largest length of a list, which is more than the bands of any layout, so that a repeat cannot
  /// ask for any amount of memory.
  private static let longest = 4096

  /// The numbers of the list at `key`, with repeats expanded.
  ///
  /// - Throws: `ConfigurationError` if the key is missing, its value is no such list or empty, or a
  ///   number is not in `range`.
  public func repeatedIntegers(
    _ key: String, in range: ClosedRange<Int>
  ) throws(ConfigurationError) -> [Int] {
    var numbers: [Int] = []
    for item in try list(key) {
      let number: Int
      let count: Int
      switch item {
      case .integer(let value): (number, count) = (value, 1)
      case .string(let text):
        let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let value = parts[0], let repeats = parts[1] else { fallthrough }
        (number, count) = (value, repeats)
      default: throw try wrongType(key, "a list of integers and repeats such as \"3x10\"")
      }
      guard range.contains(number) else {
        throw try impossible(
          key,
          "every number must be between \(range.lowerBound) and \(range.upperBound), and "
            + "\(number) is not")
      }
      guard count > 0, count <= Self.longest - numbers.count else {
        throw try impossible(
          key, "repeats must be positive and the list no longer than \(Self.longest)")
      }
      numbers += Array(repeating: number, count: count)
    }
    if numbers.isEmpty { throw try impossible(key, "the list must not be empty") }
    return numbers
  }
}
