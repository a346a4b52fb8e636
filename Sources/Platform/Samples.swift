/// Repeated measurements of one quantity.
package struct Samples {
  package private(set) var values: [Double] = []

  /// Measurements made so far, in any order and unit.
  package init(values: [Double] = []) {
    self.values = values
  }

  package mutating func add(_ value: Double) { values.append(value) }

  /// Median of the values: the middle value, or the mean of the two in the middle; NaN without
  /// values.
  package var median: Double {
    let sorted = values.sorted()
    if sorted.isEmpty { return .nan }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  package var minimum: Double { values.min() ?? .nan }
  package var maximum: Double { values.max() ?? .nan }
}

/// Runs `body` and returns its duration in seconds.
package func secondsTaken(by body: () throws -> Void) rethrows -> Double {
  let stopwatch = Stopwatch()
  try body()
  return stopwatch.seconds
}
