/// Wall time since a start, by a clock that never jumps.
package struct Stopwatch: Sendable {
  private var start = ContinuousClock.now

  /// Starts now.
  package init() {}

  /// Seconds since the start.
  package var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

  /// Returns the seconds since the start, and starts again without a gap between the two.
  package mutating func lap() -> Double {
    let now = ContinuousClock.now
    defer { start = now }
    return (now - start) / .seconds(1)
  }
}
