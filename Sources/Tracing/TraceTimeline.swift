import Files
import Foundation
import Platform

/// Events that a rank reports at the end of a trace.
package struct RankTrace: Codable, Equatable, Sendable {
  /// Name of its machine.
  package var host: String
  /// By its own clock.
  package var events: [TraceEvent]
  /// Readings of its clock after each barrier, in nanoseconds.
  package var clockReadings: [Int64]

  /// Trace of one rank. The `clockReadings` need one entry for each barrier that all ranks passed,
  /// since clocks are aligned by them.
  package init(host: String, events: [TraceEvent], clockReadings: [Int64]) {
    self.host = host
    self.events = events
    self.clockReadings = clockReadings
  }
}

/// The events of all ranks by one clock, as a file of the Trace Event Format, which Perfetto and
/// chrome://tracing open.
package struct TraceTimeline: Equatable, Sendable {
  /// By rank.
  package let ranks: [RankTrace]
  /// By rank; rank 0's is zero.
  package let offsets: [ClockOffset]

  /// Combines the traces of all ranks, by rank.
  package init(_ ranks: [RankTrace]) {
    self.ranks = ranks
    let root = ranks.first?.clockReadings ?? []
    offsets = ranks.map { ClockOffset(readings: $0.clockReadings, root: root) }
  }

  /// Nanoseconds within which the clocks agree: the bound of the rank that is known worst.
  package var bound: Int64 { offsets.dropFirst().map(\.bound).max() ?? 0 }

  /// First and last step; nil if there is none.
  package var steps: ClosedRange<Int>? {
    let numbers = ranks.flatMap(\.events).filter { $0.part == .step }.map(\.step)
    guard let first = numbers.min(), let last = numbers.max() else { return nil }
    return first...last
  }

  /// The line of the log about the file `path`.
  package func line(path: String) -> String {
    let window =
      switch steps {
      case nil: "no step"
      case let steps? where steps.count == 1: "step \(steps.lowerBound)"
      case let steps?: "steps \(steps.lowerBound) to \(steps.upperBound)"
      }
    let trace = "trace of \(window) on \(NumberText.count(ranks.count, "rank")): \(path)"
    guard ranks.count > 1 else { return trace }
    // Rounded up, since it is a limit.
    let hundredths = String(format: "%.2f", (Double(bound) / 1e4).rounded(.up) / 100)
    return "\(trace) (clocks agree within \(hundredths) ms)"
  }

  /// The file: an event a line, times in microseconds from the first event of any rank.
  package var json: String {
    let aligned = ranks.indices.map { rank in
      ranks[rank].events.map { event in
        var event = event
        event.start -= offsets[rank].nanoseconds
        event.end -= offsets[rank].nanoseconds
        return event
      }
    }
    let origin = aligned.joined().map(\.start).min() ?? 0
    let lines = aligned.indices.flatMap { rank in
      Self.lines(rank: rank, host: ranks[rank].host, aligned[rank], origin: origin)
    }
    return """
      {"displayTimeUnit":"ms","otherData":\(facts),
      "traceEvents":[
      \(lines.map(\.description).joined(separator: ",\n"))
      ]}

      """
  }

  private var facts: JSONValue {
    // Rank 0 is by its own clock.
    let bounds = offsets.prefix(1).map { _ in Int64(0) } + offsets.dropFirst().map(\.bound)
    return .object([
      "program": .string(Program.nameAndVersion), "ranks": .integer(ranks.count),
      "first_step": steps.map { .integer($0.lowerBound) } ?? .null,
      "last_step": steps.map { .integer($0.upperBound) } ?? .null,
      "clock_rounds": .integer(ranks.first?.clockReadings.count ?? 0),
      "clock_bound_ms": .number(Double(bound) / 1e6),
      "clock_spread_ms": .number(Double(offsets.map(\.spread).max() ?? 0) / 1e6),
      "clock_offsets_ms": .array(offsets.map { .number(Double($0.nanoseconds) / 1e6) }),
      "clock_bounds_ms": .array(bounds.map { .number(Double($0) / 1e6) }),
      "clock_spreads_ms": .array(offsets.map { .number(Double($0.spread) / 1e6) }),
    ])
  }

  private static func lines(
    rank: Int, host: String, _ events: [TraceEvent], origin: Int64
  ) -> [JSONValue] {
    let lanes = lanes(events.filter(\.isReduction))
    let threads = [events.filter { !$0.isReduction }] + (lanes.isEmpty ? [[]] : lanes)
    var lines = [
      metadata(
        "process_name", rank: rank, thread: 0, ["name": .string("rank \(rank) (host \(host))")]),
      metadata("process_sort_index", rank: rank, thread: 0, ["sort_index": .integer(rank)]),
    ]
    for thread in threads.indices {
      let name = ["main thread", "exchange"]
      lines.append(
        metadata(
          "thread_name", rank: rank, thread: thread,
          ["name": .string(thread < 2 ? name[thread] : "exchange \(thread)")]))
      lines.append(
        metadata(
          "thread_sort_index", rank: rank, thread: thread, ["sort_index": .integer(thread)]))
    }
    for (thread, events) in threads.enumerated() {
      // An event that contains others comes before them.
      for event in events.sorted(by: { ($0.start, $1.end) < ($1.start, $0.end) }) {
        var arguments = event.arguments.mapValues { JSONValue.integer($0) }
        arguments["step"] = .integer(event.step)
        lines.append(
          .object([
            "ph": .string("X"), "name": .string(event.name), "cat": .string(event.part.rawValue),
            "pid": .integer(rank), "tid": .integer(thread),
            "ts": .number(Double(event.start - origin) / 1e3),
            "dur": .number(Double(event.end - event.start) / 1e3), "args": .object(arguments),
          ]))
      }
    }
    return lines
  }

  private static func metadata(
    _ name: String, rank: Int, thread: Int, _ arguments: [String: JSONValue]
  ) -> JSONValue {
    .object([
      "ph": .string("M"), "name": .string(name), "pid": .integer(rank), "tid": .integer(thread),
      "args": .object(arguments),
    ])
  }

  /// Reductions under way at the same time in rows of their own: in one, viewers would take them
  /// for parts of each other.
  private static func lanes(_ events: [TraceEvent]) -> [[TraceEvent]] {
    var lanes: [[TraceEvent]] = []
    for event in events.sorted(by: { $0.start < $1.start }) {
      if let free = lanes.firstIndex(where: { ($0.last?.end ?? 0) <= event.start }) {
        lanes[free].append(event)
      } else {
        lanes.append([event])
      }
    }
    return lanes
  }
}
