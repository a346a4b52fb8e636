import Files
import Foundation
import Platform

/// The numbers of a run for TensorBoard: one event file for each start of the run, in the folder
/// `tensorboard` of the run.
///
/// Each event is one write to a file opened for appending, so TensorBoard can read while the run
/// goes on, and a killed run loses at most the record that it was writing, in a file that nobody
/// continues. After a resume or a rollback a mark makes TensorBoard forget the steps that are done
/// again.
package final class TensorBoardFile: EventSink {
  private let descriptor: Int32
  private let path: String
  private let text: String

  /// Opens a new file in `folder`, which is made if need be; `configuration` is shown as a text.
  package init(in folder: URL, configuration: String, date: Date = Date()) throws(AtomicFileError) {
    let folderPath = folder.path(percentEncoded: false)
    if mkdir(folderPath, 0o777) != 0 && errno != EEXIST {
      throw AtomicFileError(path: folderPath, operation: "make", code: errno)
    }
    // TensorBoard finds files by the part in the middle, and takes them in the order of the time.
    let seconds = String(format: "%010d", Int(date.timeIntervalSince1970))
    let name = "events.out.tfevents.\(seconds).\(HostName.own).\(getpid()).0"
    path = folder.appending(path: name).path(percentEncoded: false)
    text = "```json\n\(configuration)\n```"
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw AtomicFileError(path: path, operation: "open", code: errno) }
    try write([.fileVersion], date)
  }

  deinit { close(descriptor) }

  /// Appends the records of an event.
  package func append(_ event: RunEvent, date: Date) throws(AtomicFileError) {
    var records: [TensorBoardEvent] = []
    if let step = event.resumedStep {
      // TensorBoard forgets this step and later ones.
      records.append(.start(step: step + 1))
      if case .start = event {
        records.append(.text(tag: "configuration", text, step: step))
      }
    } else if let (step, scalars) = event.scalars {
      records.append(.scalars(scalars, step: step))
    }
    if !records.isEmpty { try write(records, date) }
  }

  private func write(_ events: [TensorBoardEvent], _ date: Date) throws(AtomicFileError) {
    let bytes = events.flatMap { $0.record(time: date.timeIntervalSince1970) }
    let written = Foundation.write(descriptor, bytes, bytes.count)
    guard written != bytes.count else { return }
    let code = written < 0 ? errno : ENOSPC
    // No reader gets past half a record.
    if written > 0 { ftruncate(descriptor, lseek(descriptor, 0, SEEK_END) - written) }
    throw AtomicFileError(path: path, operation: "write", code: code)
  }
}
