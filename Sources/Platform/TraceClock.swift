import Foundation

/// The clock of traces.
package enum TraceClock {
  /// Nanoseconds of this host's monotonic clock, which begins anywhere and never jumps.
  package static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// How far a rank's clock is ahead of rank 0's, and how well that is known.
///
/// Ranks leave a barrier at nearly the same time, and each reads its clock then. One round may be
/// off by as long as the operating system made a rank wait; the median of many is not. But some
/// rank may leave later than others in every round, which no spread shows. So there are limits too
/// that hold whatever the ranks wait for: none leaves a barrier before all have read their clocks
/// after the one before.
package struct ClockOffset: Equatable, Sendable {
  /// Nanoseconds to take from the rank's times to have them by rank 0's clock.
  package let nanoseconds: Int64
  /// Nanoseconds by which half of the rounds differ from that at most.
  package let spread: Int64
  /// Nanoseconds by which it may be wrong at most.
  package let bound: Int64

  /// From what a rank and rank 0 read in the same rounds, one after another; zero without any.
  package init(readings: [Int64], root: [Int64]) {
    let differences = zip(readings, root).map { $0 - $1 }
    let median = Self.median(differences)
    spread = Self.median(differences.map { abs($0 - median) })
    let least = zip(readings, root.dropFirst()).map { $0 - $1 }.max() ?? median
    let most = zip(readings.dropFirst(), root).map { $0 - $1 }.min() ?? median
    // Clocks that run at different speeds may leave no offset for all rounds.
    nanoseconds = least <= most ? min(max(median, least), most) : median
    bound = max(abs(most - nanoseconds), abs(nanoseconds - least))
  }

  /// Median; the greater of the two middle values if their number is even.
  private static func median(_ values: [Int64]) -> Int64 {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}
