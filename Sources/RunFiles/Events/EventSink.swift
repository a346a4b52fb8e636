import Files
import Foundation

/// A file that takes a run's events as they happen.
package protocol EventSink {
  /// Adds an event that happened at `date`.
  func append(_ event: RunEvent, date: Date) throws(AtomicFileError)
}
