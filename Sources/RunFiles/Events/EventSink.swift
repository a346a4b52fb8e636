import Files
import Foundation

/// A file that takes a run's events as they happen.
package protocol EventSink {
  /// Adds one event of that name and time; `fields` are its values in order.
  func append(
    event: String, fields: [(name: String, value: MetricValue)], date: Date
  ) throws(AtomicFileError)
}
