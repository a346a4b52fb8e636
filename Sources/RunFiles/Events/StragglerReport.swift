import Foundation
import Platform

/// The rank that the others waited for in an epoch, and how long they waited.
///
/// A step lasts as long as its slowest rank computes and loads; what a rank is faster by, it waits.
package struct StragglerReport: Equatable, Sendable {
  /// The rank that others waited for most.
  package var rank = 0
  /// Steps in which it was the last.
  package var stepsLast = 0
  /// All steps.
  package var steps = 0
  /// Seconds that the mean rank waited in the steps in which that rank was the last.
  package var waitedForIt = 0.0
  /// Seconds that the mean rank waited in all steps.
  package var waited = 0.0
  /// Deviation of a rank's time in a step from the mean of the ranks in that step, relative: what
  /// limits how far a job scales.
  package var jitter = 0.0

  /// A report of no step.
  package init() {}

  /// Summarises the seconds that each rank was busy in each step, `busy[rank][step]`; nil for one
  /// rank, no step, or ranks that speak of unlike numbers of steps.
  package init?(busy: [[Double]]) {
    guard busy.count > 1, let steps = busy.first?.count, steps > 0,
      busy.allSatisfy({ $0.count == steps })
    else { return nil }
    var last = [Int](repeating: 0, count: busy.count)
    var waitedFor = [Double](repeating: 0, count: busy.count)
    var squares = 0.0
    for step in 0..<steps {
      let times = busy.map { $0[step] }
      let mean = times.reduce(0, +) / Double(times.count)
      guard let slowest = times.indices.max(by: { times[$0] < times[$1] }), mean > 0 else {
        continue
      }
      last[slowest] += 1
      waitedFor[slowest] += times[slowest] - mean
      squares += times.reduce(0) { $0 + ($1 / mean - 1) * ($1 / mean - 1) } / Double(times.count)
    }
    rank = waitedFor.indices.max { waitedFor[$0] < waitedFor[$1] } ?? 0
    stepsLast = last[rank]
    self.steps = steps
    waitedForIt = waitedFor[rank]
    waited = waitedFor.reduce(0, +)
    jitter = (squares / Double(steps)).squareRoot()
  }

  /// Share of the steps' time that ranks wait for each other, from which on it is worth a line.
  package static let notableShare = 0.02

  /// A sentence about an epoch whose steps took `seconds`, the slowest rank being on `host`; nil if
  /// the waiting is not worth one.
  package func text(host: String, seconds: Double) -> String? {
    guard seconds > 0, waited > Self.notableShare * seconds else { return nil }
    return String(
      format: "ranks waited %.1f s for each other (%.1f%% of the steps), %.1f s of it for "
        + "rank %d (%@), the last in %d of %@; jitter %.1f%%",
      waited, 100 * waited / seconds, waitedForIt, rank, host, stepsLast,
      NumberText.count(steps, "step"), 100 * jitter)
  }
}

extension StragglerReport: FieldList {
  /// Visits the fields of the event.
  package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
    try fields("rank", &rank)
    try fields("steps_last", &stepsLast)
    try fields("steps", &steps)
    try fields("waited_for_it_seconds", &waitedForIt)
    try fields("waited_seconds", &waited)
    try fields("jitter", &jitter)
  }
}
