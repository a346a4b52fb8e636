import Charts
import Files
import Foundation
import Metrics

extension ReportPage {
  /// The section with all metrics of the test utterances; empty if no run has any.
  var testScores: [Markup] {
    let tested = content.runs.compactMap { run -> (ReportRun, ScoreTable, [ScoreTable.Row])? in
      guard let table = run.test?.table, !table.scores.isEmpty else { return nil }
      return (run, table, table.columns.map(table.row))
    }
    let columns = ScoreColumn.allCases.filter { column in
      tested.contains { $0.2.contains { $0.column == column && $0.score != nil } }
    }
    if columns.isEmpty { return [] }
    // Runs that were evaluated on equal utterances share a noisy row.
    var noisy: [(cells: [Markup], runs: [String])] = []
    var enhanced: [[Markup]] = []
    var unscored: [String] = []
    var infinite: [String] = []
    for (run, table, figures) in tested {
      let figures = figures.filter { columns.contains($0.column) }
      let count: Markup = "\(table.scorable.count)"
      if table.noisy != nil {
        let cells = figures.map { Self.cell($0.noisy, $0.column) } + [count]
        if let index = noisy.firstIndex(where: { $0.cells.map(\.text) == cells.map(\.text) }) {
          noisy[index].runs.append(run.name)
        } else {
          noisy.append((cells, [run.name]))
        }
      }
      enhanced.append(
        ["\(PageParts.key(run.style)) \(run.name)"]
          + figures.map { Self.cell($0.score, $0.column) } + [count])
      let left = table.unscorable.count
      if left > 0 { unscored.append("\(run.name): \(left) of \(table.scores.count)") }
      infinite += figures.filter { $0.score != nil && $0.infiniteCount > 0 }.map { figure in
        "\(run.name): \(figure.infiniteCount) of \(Self.title(figure.column).prefix { $0 != "," })"
      }
    }
    let unprocessed = noisy.map { row -> [Markup] in
      let name = noisy.count == 1 ? "noisy" : "noisy, as for \(row.runs.joined(separator: ", "))"
      return ["\(name)"] + row.cells
    }
    let header: [Markup] = [""] + columns.map { "\(Self.title($0))" } + ["utterances"]
    return [
      PageParts.table(
        header, unprocessed + enhanced, numbers: Set(1...columns.count + 1),
        label: "Scores of the test set")
    ] + notes(unscored: unscored, infinite: infinite)
  }

  private func notes(unscored: [String], infinite: [String]) -> [Markup] {
    var notes: [Markup] = [
      """
      <p class="note">Means over the test utterances with the best weights, ± 95% interval of the \
      mean by Student's t. Higher is better, except for LLR and WSS.</p>
      """
    ]
    if content.runs.contains(where: \.summary.isComparable) {
      notes.append(
        """
        <p class="note">The noisy row is the check of the scoring: the literature has 1.97 for \
        PESQ, 3.35, 2.44 and 2.63 for CSIG, CBAK and COVL, 1.68 for SSNR and 0.91 for STOI.</p>
        """)
    }
    if !unscored.isEmpty {
      notes.append(
        "<p class=\"note\">In no mean, since a score is missing: "
          + "\(unscored.joined(separator: "; ")).</p>")
    }
    if !infinite.isEmpty {
      notes.append(
        "<p class=\"note\">Left out of the means of one column, noisy and enhanced, since a value "
          + "is infinite: \(infinite.joined(separator: "; ")).</p>")
    }
    return notes
  }

  private static func cell(_ estimate: Estimate?, _ column: ScoreColumn) -> Markup {
    guard let estimate else { return "–" }
    let digits = [.siSDR, .ssnr, .wss].contains(column) ? 2 : 3
    let mean = TextTable.number(estimate.mean, digits: digits)
    guard let halfWidth = estimate.halfWidth else { return "\(mean)" }
    return "\(mean)<br><small>± \(TextTable.number(halfWidth, digits: digits))</small>"
  }

  private static func title(_ column: ScoreColumn) -> String {
    switch column {
    case .pesqWB: "PESQ"
    case .siSDR: "SI-SDR, dB"
    case .ssnr: "SSNR, dB"
    case .stoi, .estoi, .llr, .wss, .csig, .cbak, .covl: column.rawValue.uppercased()
    }
  }
}
