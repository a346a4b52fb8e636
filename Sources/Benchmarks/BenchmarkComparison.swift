import Files
import Foundation
import Platform

/// Two result files of one benchmark, side by side.
package struct BenchmarkComparison {
  /// One time of both files.
  package struct Row: Equatable {
    let name: String
    let before: Double
    let after: Double
    /// Whether less is better, as of seconds.
    let isTime: Bool
  }

  private let before: BenchmarkResult
  private let after: BenchmarkResult

  init(before: BenchmarkResult, after: BenchmarkResult) {
    self.before = before
    self.after = after
  }

  /// Reads both.
  ///
  /// - Throws: `BenchmarkResultError` for a file that is no result, and for files that differ in
  ///   what decides the figures, unless `anyway`.
  package init(before: String, after: String, anyway: Bool) throws(BenchmarkResultError) {
    self.before = try BenchmarkResult(path: before)
    self.after = try BenchmarkResult(path: after)
    if self.before.kind != self.after.kind {
      throw .kinds(before: self.before.kind, after: self.after.kind)
    }
    if !differences.isEmpty && !anyway { throw .notComparable(differences) }
  }

  /// What differs of what decides the figures, as "batch (6, 3)".
  package var differences: [String] {
    BenchmarkResult.settings.compactMap { path in
      let values = [before, after].map { $0.value(path)?.description ?? "none" }
      return values[0] == values[1] ? nil : "\(path.last ?? "") (\(values[0]), \(values[1]))"
    }
  }

  /// The figures that both files have, the first file's order first.
  package var rows: [Row] {
    let other = Dictionary(
      after.figures.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    return before.figures.compactMap { figure in
      other[figure.name].map {
        Row(name: figure.name, before: figure.value, after: $0, isTime: figure.isTime)
      }
    }
  }

  /// How much faster the core was in the second run.
  private var clockRatio: Double? {
    guard let before = before.peak, let after = after.peak else { return nil }
    return after / before
  }
}

extension BenchmarkComparison: CustomStringConvertible {
  /// The files, what differs, and a table of ratios.
  package var description: String {
    var lines = ["before: \(before.title)", "after:  \(after.title)"]
    if !differences.isEmpty {
      lines.append("these differ, so ratios say little: " + differences.joined(separator: ", "))
    }
    lines += ["", table.aligned, "", "Ratios are after over before."]
    if let clockRatio {
      lines.append(
        "At equal clocks: times as if the second run had had the first one's FMA peak (its own "
          + String(format: "was %.3f times that).", clockRatio))
    }
    return lines.joined(separator: "\n")
  }

  private var table: TextTable {
    var cells = [
      ["figure", "before", "after", "ratio"] + (clockRatio == nil ? [] : ["at equal clocks"])
    ]
    for row in rows {
      func text(_ value: Double) -> String {
        row.isTime
          ? "\(NumberText.figures(value * 1000)) ms" : NumberText.figures(value)
      }
      let ratio = row.after / row.before
      var cell = [row.name, text(row.before), text(row.after), String(format: "%.3f", ratio)]
      if let clockRatio {
        cell.append(row.isTime ? String(format: "%.3f", ratio * clockRatio) : "")
      }
      cells.append(cell)
    }
    return TextTable(cells)
  }
}
