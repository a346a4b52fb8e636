import Files
import Foundation

/// Differences between files that the present program writes and those of an earlier version.
enum PastComparison {
  /// Limits of deviations, relative to the largest number of a tensor, or to the number itself.
  struct Limits {
    /// Limit for weights and their averages: the rounding of a few steps.
    var weights: Double
    /// Limit for Adam's moments, where a tensor's largest gradient may be nearly nothing.
    var moments: Double
    /// Limit for numbers in tables and events.
    var figures: Double

    /// No deviation.
    static let equal = Limits(weights: 0, moments: 0, figures: 0)
    /// The rounding of sums in another order.
    static let rounding = Limits(weights: 1e-5, moments: 1e-4, figures: 1e-5)
  }

  /// Differences between the tensors and metadata of two checkpoints. New keys are none.
  static func checkpoints(_ old: URL, _ new: URL, _ limits: Limits) throws -> [String] {
    let (old, new) = (try SafetensorsFile(contentsOf: old), try SafetensorsFile(contentsOf: new))
    try new.verifyChecksums(path: "the new one")
    var found: [String] = []
    let names = (old.entries.map(\.name), new.entries.map(\.name))
    if names.0 != names.1 { found.append("other tensors: \(names.0), now \(names.1)") }
    for entry in old.entries {
      guard let other = new.tensors[entry.name], other.shape == entry.shape else { continue }
      let (before, now) = (try entry.floats(), try other.floats())
      let limit = entry.name.hasPrefix("adam.") ? limits.moments : limits.weights
      let largest = before.map { abs(Double($0)) }.max() ?? 0
      let error = zip(before, now).map { abs(Double($0) - Double($1)) }.max() ?? 0
      // By bits, so that zeros of unlike signs and NaN count too.
      let isEqual = zip(before, now).allSatisfy { $0.bitPattern == $1.bitPattern }
      if !isEqual && !(error <= limit * largest && limit > 0) {
        found.append("\(entry.name) is off by \(error), its largest number is \(largest)")
      }
    }
    for (key, text) in old.metadata where !key.hasPrefix(SafetensorsFile.checksumPrefix) {
      guard let other = new.metadata[key] else {
        found.append("metadata: no \(key)")
        continue
      }
      found += values(json(text), json(other), limits.figures).map { "metadata: \(key)\($0)" }
    }
    return found.sorted()
  }

  private static func json(_ text: String) -> JSONValue {
    (try? JSONValue(parsing: Array(text.utf8))) ?? .string(text)
  }

  /// Differences between two JSON values, each with its key path. New keys are none.
  static func values(_ old: JSONValue, _ new: JSONValue?, _ limit: Double) -> [String] {
    switch (old, new) {
    case (_, nil): return [": missing"]
    case (.object(let members), .object(let others)):
      return members.flatMap { key, value in
        values(value, others[key], limit).map { ".\(key)\($0)" }
      }
    case (.array(let items), .array(let others)) where items.count == others.count:
      return zip(items, others).enumerated().flatMap { index, pair in
        values(pair.0, pair.1, limit).map { "[\(index)]\($0)" }
      }
    case (let old, let new?):
      if old == new { return [] }
      if limit > 0, let one = number(old), let other = number(new),
        abs(one - other) <= limit * max(abs(one), 1e-3)
      {
        return []
      }
      return [": \(old), now \(new)"]
    }
  }

  private static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .integer(let number): Double(number)
    case .number(let number): number
    default: nil
    }
  }

  /// Columns of tables and keys of events that hold durations, times, places and versions.
  private static let unsteady: Set<String> = [
    "time", "seconds", "audio_seconds_per_second", "validation_seconds", "data_seconds",
    "busy_seconds", "exposed_exchange_seconds", "file", "kernels", "program",
  ]

  /// Differences between two tables with a header, row by row. New columns are none.
  static func tables(_ old: URL, _ new: URL, _ limit: Double) throws -> [String] {
    let (old, new) = (try rows(old), try rows(new))
    var found: [String] = old.count == new.count ? [] : ["\(old.count) rows, now \(new.count)"]
    for (before, now) in zip(old, new) {
      for (column, cell) in before.sorted(by: { $0.key < $1.key })
      where !unsteady.contains(column) {
        found += values(Self.cell(cell), now[column].map(Self.cell), limit).map {
          "\(column)\($0)"
        }
      }
    }
    return found
  }

  private static func cell(_ text: String) -> JSONValue {
    Double(text).map { .number($0) } ?? .string(text)
  }

  private static func rows(_ url: URL) throws -> [[String: String]] {
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    return lines.dropFirst().map {
      Dictionary(zip(lines.first ?? [], $0)) { first, _ in first }
    }
  }

  /// The events of a run, as objects.
  static func events(_ url: URL) throws -> [JSONValue] {
    try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
      try JSONValue(parsing: Array($0.utf8))
    }
  }

  /// Differences between the steps and epochs of two runs. New keys are none.
  static func progress(_ old: URL, _ new: URL, _ limit: Double) throws -> [String] {
    func steady(_ url: URL) throws -> [JSONValue] {
      try events(url).compactMap { event in
        guard case .object(let members) = event, let kind = event["event"]?.string,
          ["step", "epoch"].contains(kind)
        else { return nil }
        return .object(members.filter { !unsteady.contains($0.key) })
      }
    }
    return values(.array(try steady(old)), .array(try steady(new)), limit)
  }
}
