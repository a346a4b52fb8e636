import Files
import Foundation

/// A value in `metrics.jsonl`.
public enum MetricValue: Equatable, Sendable {
  /// A number; nil, infinities and NaN become null, which JSON readers take for missing.
  case number(Double?)
  /// A whole number.
  case integer(Int)
  /// A text.
  case text(String)
  /// A truth value.
  case flag(Bool)
  /// Several values.
  case list([MetricValue])

  package var json: JSONValue {
    switch self {
    case .number(let value): value.map { .number($0) } ?? .null
    case .integer(let value): .integer(value)
    case .text(let value): .string(value)
    case .flag(let value): .bool(value)
    case .list(let values): .array(values.map(\.json))
    }
  }
}

extension MetricValue: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByStringLiteral, ExpressibleByBooleanLiteral
{
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A whole number.
  public init(integerLiteral value: Int) { self = .integer(value) }
  /// A text.
  public init(stringLiteral value: String) { self = .text(value) }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .flag(value) }
}

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

  /// Appends one object with the keys `event`, `time` (UTC) and those of `fields`, sorted.
  package func append(
    event: String, fields: [(name: String, value: MetricValue)], date: Date
  ) throws(AtomicFileError) {
    let time = date.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
    var members: [String: JSONValue] = [:]
    for field in fields { members[field.name] = field.value.json }
    members["event"] = .string(event)
    members["time"] = .string(time + "Z")
    let bytes = Array("\(JSONValue.object(members))\n".utf8)
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
