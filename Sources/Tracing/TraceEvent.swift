/// Kinds of events in a trace.
public enum TracePart: String, Codable, Sendable {
  /// A whole step.
  case step
  /// A crop: waiting for its samples, and the transforms.
  case load
  /// Forward and loss of an utterance.
  case forward
  /// Backward of an utterance, or of those that go side by side.
  case backward
  /// Standing still until all buckets have come.
  case wait = "wait for the exchange"
  /// From sums to the mean gradient.
  case mean = "mean gradient"
  /// The norm of the gradient.
  case clip
  /// The sums that ranks decide by: one more meeting.
  case agreement
  /// The new weights.
  case adam = "Adam"
  /// Waiting for labels of the discriminator.
  case labels = "wait for labels"
  /// Passes of the discriminator.
  case discriminator
  /// A checkpoint.
  case save = "save checkpoint"
  /// Whole utterances are scored, or waited for.
  case validation
  /// One bucket of gradients on its way.
  case bucket
  /// The number of utterances of all ranks, which travels before the buckets.
  case itemCount = "utterance count"
}

/// Something that took its time on one rank.
package struct TraceEvent: Codable, Equatable, Sendable {
  /// Kind of the event.
  package var part: TracePart
  /// Number of the run's step under way, or of the last one; from 1.
  package var step: Int
  /// Its begin, in nanoseconds of a clock.
  package var start: Int64
  /// Its end.
  package var end: Int64
  /// More about it, such as the number of an utterance in the step, from 1.
  package var arguments: [String: Int]

  /// Event from `start` to `end`, nanoseconds of one rank's clock, in step number `step`.
  package init(
    _ part: TracePart, step: Int, start: Int64, end: Int64, arguments: [String: Int] = [:]
  ) {
    self.part = part
    self.step = step
    self.start = start
    self.end = end
    self.arguments = arguments
  }

  /// Text in the timeline.
  package var name: String {
    switch part {
    case .step: "step \(step)"
    case .bucket: "bucket \(arguments["bucket"] ?? 0)"
    default: part.rawValue
    }
  }

  /// Whether it happens beside the main thread.
  package var isReduction: Bool { part == .bucket || part == .itemCount }
}
