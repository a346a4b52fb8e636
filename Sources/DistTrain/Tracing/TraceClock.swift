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
/// off by as long as the operating system made a rank wait; the median of many is not.
package struct ClockOffset: Equatable, Sendable {
  /// Nanoseconds to take from the rank's times to have them by rank 0's clock.
  package let nanoseconds: Int64
  /// Nanoseconds by which half of the rounds differ from that at most.
  package let spread: Int64

  /// From what a rank and rank 0 read in the same rounds; both zero without any.
  package init(readings: [Int64], root: [Int64]) {
    let differences = zip(readings, root).map { $0 - $1 }
    let median = Self.median(differences)
    nanoseconds = median
    spread = Self.median(differences.map { abs($0 - median) })
  }

  /// Of an even number of values, the greater of the two in the middle.
  private static func median(_ values: [Int64]) -> Int64 {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}
