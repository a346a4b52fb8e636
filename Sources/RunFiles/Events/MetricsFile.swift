import Files
import Foundation

/// `metrics.jsonl`: one JSON object per event, appended as they happen.
///
/// Each event is one write to a file opened for appending, so a killed run loses at most the line
/// it was writing; the next run cuts such a fragment off.
package final class MetricsFile: EventSink {
  private let descriptor: Int32
  private let path: String

  /// Opens or creates the file at `url`.
  package init(url: URL) throws(AtomicFileError) {
    path = url.path(percentEncoded: false)
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw AtomicFileError(path: path, operation: "open", code: errno) }
    try cutFragment()
  }

  deinit { close(descriptor) }

  /// Throws unless the file at `url` can be opened to append events. Makes and changes nothing.
  package static func requireAppendable(_ url: URL) throws(AtomicFileError) {
    let path = url.path(percentEncoded: false)
    let descriptor = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 {
      if errno == ENOENT { return }
      throw AtomicFileError(path: path, operation: "open", code: errno)
    }
    close(descriptor)
  }

  /// The events of the file at `url`, which may be written while it is read; none if it cannot be
  /// read. With a `kind`, those of that kind only, which is quicker.
  ///
  /// Bytes behind the last line break are not finished, or were cut off with their writer, and are
  /// left out. So are lines that are no events. Bytes that are no UTF-8 spoil their own line only.
  package static func events(
    at url: URL, of kind: (any EventFields.Type)? = nil
  ) -> [LoggedEvent] {
    let lineBreak = UInt8(ascii: "\n")
    guard let data = FileManager.default.contents(atPath: url.path(percentEncoded: false)),
      let end = data.lastIndex(of: lineBreak)
    else { return [] }
    let mark = kind.map { Data("\"\($0.name)\"".utf8) }
    return data[..<end].split(separator: lineBreak).compactMap { line in
      if let mark, line.range(of: mark) == nil { return nil }
      let event = try? LoggedEvent(String(decoding: line, as: UTF8.self))
      if let kind, event?.event.map({ type(of: $0.fields) == kind }) != true { return nil }
      return event
    }
  }

  /// Appends the line of an event.
  package func append(_ event: RunEvent, date: Date) throws(AtomicFileError) {
    let bytes = Array("\(event.line(at: date))\n".utf8)
    let written = write(descriptor, bytes, bytes.count)
    if written != bytes.count {
      // A short write means a full disk; what was written of the line goes again.
      let code = written < 0 ? errno : ENOSPC
      try? cutFragment()
      throw AtomicFileError(path: path, operation: "write", code: code)
    }
  }

  private func cutFragment() throws(AtomicFileError) {
    let size = lseek(descriptor, 0, SEEK_END)
    var end = size
    var byte: UInt8 = 0
    while end > 0 {
      if pread(descriptor, &byte, 1, end - 1) != 1 {
        throw AtomicFileError(path: path, operation: "read", code: errno)
      }
      if byte == UInt8(ascii: "\n") { break }
      end -= 1
    }
    if end < size && ftruncate(descriptor, end) != 0 {
      throw AtomicFileError(path: path, operation: "truncate", code: errno)
    }
  }
}
