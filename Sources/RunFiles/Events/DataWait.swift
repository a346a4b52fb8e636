import Foundation

/// The time that the steps of an epoch waited for training audio.
package struct DataWait: Equatable, Sendable {
  /// Seconds of the rank that waited longest.
  package var seconds: Double
  /// Seconds that the epoch's steps took.
  package var trainingSeconds: Double

  /// Wait of an epoch; both times are wall-clock seconds of the same steps.
  package init(seconds: Double, trainingSeconds: Double) {
    self.seconds = seconds
    self.trainingSeconds = trainingSeconds
  }

  /// The share of the training time up to which waiting is not worth a warning.
  package static let limit = 0.01

  /// Warning of the log if the wait is above the limit and lasts at least a second: below that the
  /// first crop, which nothing can be done about, counts for too much.
  package func warning(epoch: Int) -> String? {
    guard seconds >= 1, seconds > Self.limit * trainingSeconds else { return nil }
    let share = trainingSeconds > 0 ? seconds / trainingSeconds * 100 : 100
    return String(
      format: "the steps of epoch %d waited %.1f s of %.1f s (%.1f%%) for training audio; put the "
        + "corpus on a disk of the machine, or pack it into one file with disttrain prepare pack",
      epoch, seconds, trainingSeconds, share)
  }
}
