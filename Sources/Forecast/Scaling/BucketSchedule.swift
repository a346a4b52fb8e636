/// When buckets travel while backward goes on: one after another, each as soon as its gradients are
/// final.
package struct BucketSchedule: Equatable, Sendable {
  /// When each transfer ends, seconds from the start of the backward pass that hides it.
  package let ends: [Double]
  /// Seconds that transfers go on after backward is over.
  package let exposed: Double
  /// The share of the transfers that backward hides; 1 if there are none.
  package let overlapFraction: Double

  /// start = max(ready, end of the one before), end = start + its seconds.
  ///
  /// - Parameters:
  ///   - ready: when the gradients of each bucket are final, in the order that they travel in.
  ///   - seconds: what the transfer of each takes.
  ///   - backward: seconds of the backward pass.
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
    // A last bucket may be ready before backward ends, so waiting in between hides nothing more.
    overlapFraction = all > 0 ? max(0, 1 - exposed / all) : 1
  }
}

/// From which gradient on all are final, and when in the backward pass.
package struct Readiness: Codable, Equatable, Sendable {
  /// First element of the gradients that are final.
  package var from: Int
  /// Share of the backward pass that is over by then.
  package var fraction: Double

  /// Puts the parts together.
  package init(from: Int, fraction: Double) {
    self.from = from
    self.fraction = fraction
  }

  /// The share of the backward pass after which the gradients from `element` on are final.
  package static func fraction(of element: Int, in schedule: [Readiness]) -> Double {
    schedule.first { $0.from <= element }?.fraction ?? 1
  }
}
