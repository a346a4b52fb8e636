import Files
import Foundation
import Platform

/// The comparison of two result files of one benchmark.
package struct BenchmarkComparison {
  /// A figure of both files.
  package struct Row: Equatable {
    let name: String
    let before: Double
    let after: Double
    /// Whether the figure is a time, of which less is better.
    let isTime: Bool
  }

  private let before: BenchmarkResult
  private let after: BenchmarkResult

  init(before: BenchmarkResult, after: BenchmarkResult) {
    self.before = before
    self.after = after
  }

  /// Reads both files.
  ///
  /// - Throws: `BenchmarkResultError` for a file that is no result, and for files with different
  ///   settings or machines, unless `anyway`.
  package init(before: String, after: String, anyway: Bool) throws(BenchmarkResultError) {
    self.before = try BenchmarkResult(path: before)
    self.after = try BenchmarkResult(path: after)
    if self.before.kind != self.after.kind {
      throw .kinds(before: self.before.kind, after: self.after.kind)
    }
    if !differences.isEmpty && !anyway { throw .notComparable(differences) }
  }

  /// Differences of settings and machines, such as "batch (6, 3)".
  package var differences: [String] {
    BenchmarkResult.settings.compactMap { path in
      let values = [before, after].map { $0.value(path)?.description ?? "none" }
      return values[0] == values[1] ? nil : "\(path.last ?? "") (\(values[0]), \(values[1]))"
    }
  }

  /// The figures that both files have, in the order of the first file.
  package var rows: [Row] {
    let other = Dictionary(
      after.figures.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    return before.figures.compactMap { figure in
      other[figure.name].map {
        Row(name: figure.name, before: figure.value, after: $0, isTime: figure.isTime)
      }
    }
  }

  /// Ratio of the core's clock in the second run to that in the first.
  private var clockRatio: Double? {
    guard let before = before.peak, let after = after.peak else { return nil }
    return after / before
  }
}

extension BenchmarkComparison: CustomStringConvertible {
  /// The comparison as text: the files, their differences, and a table of ratios.
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
