/// The schedule of the transfers of buckets during backward: one after another, each as soon as its
/// gradients are final.
package struct BucketSchedule: Equatable, Sendable {
  /// End of each transfer, in seconds from the start of the backward pass that hides it.
  package let ends: [Double]
  /// Time that transfers continue after the end of backward, in seconds.
  package let exposed: Double
  /// Share of the transfers that backward hides; 1 without transfers.
  package let overlapFraction: Double

  /// Computes the schedule: start = max(ready, end of the previous transfer), end = start +
  /// duration.
  ///
  /// - Parameters:
  ///   - ready: the times at which the gradients of each bucket are final, in the order of
  ///     transfers.
  ///   - seconds: the duration of each transfer.
  ///   - backward: the duration of the backward pass.
  package init(ready: [Double], seconds: [Double], backward: Double) {
    precondition(
      ready.count == seconds.count, "BucketSchedule: \(ready.count) and \(seconds.count) buckets")
    var end = 0.0
    ends = zip(ready, seconds).map { ready, seconds in
      end = max(ready, end) + seconds
      return end
    }
    exposed = max(0, end - backward)
    let all = seconds.reduce(0, +)
    // The last bucket may be ready before backward ends; idle times before it hide nothing.
    overlapFraction = all > 0 ? max(0, 1 - exposed / all) : 1
  }
}

/// The index of the gradient from which on all are final, at a time in the backward pass.
package struct Readiness: Codable, Equatable, Sendable {
  /// Index of the first gradient that is final.
  package var from: Int
  /// Share of the backward pass that is over at that time.
  package var fraction: Double

  /// Readiness of the gradients from index `from` on, after a `fraction` from 0 to 1 of backward.
  package init(from: Int, fraction: Double) {
    self.from = from
    self.fraction = fraction
  }

  /// Share of the backward pass after which the gradients from `element` on are final.
  package static func fraction(of element: Int, in schedule: [Readiness]) -> Double {
    schedule.first { $0.from <= element }?.fraction ?? 1
  }
}
