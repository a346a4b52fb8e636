import Foundation
import Testing

/// A trace as a viewer reads it.
package struct TraceFile {
  /// Something that took its time.
  package struct Event {
    package let name: String
    package let part: String
    package let rank: Int
    package let thread: Int
    package let start: Double
    package let end: Double
    package let arguments: [String: Int]
    package var step: Int { arguments["step"] ?? -1 }
  }

  package var events: [Event] = []
  package var processes: [Int: String] = [:]
  package var threads: [Int: [Int: String]] = [:]
  package let facts: [String: Any]

  package init(_ data: Data) throws {
    let whole = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    facts = try #require(whole["otherData"] as? [String: Any])
    for item in try #require(whole["traceEvents"] as? [[String: Any]]) {
      let name = try #require(item["name"] as? String)
      let rank = try #require(item["pid"] as? Int)
      let thread = try #require(item["tid"] as? Int)
      let arguments = try #require(item["args"] as? [String: Any])
      switch try #require(item["ph"] as? String) {
      case "M":
        if name == "process_name" { processes[rank] = arguments["name"] as? String }
        if name == "thread_name" {
          threads[rank, default: [:]][thread] = arguments["name"] as? String
        }
      default:
        let start = try #require(item["ts"] as? Double)
        events.append(
          Event(
            name: name, part: try #require(item["cat"] as? String), rank: rank, thread: thread,
            start: start, end: start + (try #require(item["dur"] as? Double)),
            arguments: try #require(arguments as? [String: Int])))
      }
    }
  }

  /// Pairs of events in one row, of which neither ends before the other begins nor contains it.
  package var crossings: [String] {
    // Sums of microseconds are exact to some 1e-6.
    let slack = 1e-3
    var found: [String] = []
    for (index, one) in events.enumerated() {
      for other in events[(index + 1)...]
      where one.rank == other.rank && one.thread == other.thread {
        let (first, second) = one.start <= other.start ? (one, other) : (other, one)
        let isApart = first.end <= second.start + slack
        let contains = second.end <= first.end + slack
        let isContained = second.start <= first.start + slack && first.end <= second.end + slack
        if !isApart && !contains && !isContained {
          found.append("rank \(one.rank): \(first.name) and \(second.name)")
        }
      }
    }
    return found
  }
}
