import Charts
import Foundation

extension ReportPage {
  /// The section with the table of `disttrain compare`, model sizes and criteria.
  package var comparison: [Markup] {
    let table = content.comparison.table.rows
    // Model, size, score, epoch, noisy, SI-SDR, epochs, source: as the command prints them.
    let names = table.first ?? []
    var header: [Markup] = ["\(names[0])", "Parameters", "published size"]
    header += names[2..<7].map { "\($0)" }
    header += ["criteria", "\(names[7])"]
    let publishedCount = table.count - 1 - content.runs.count
    let bestScore = content.runs.compactMap(\.best?.pesq).max()
    var rows: [[Markup]] = []
    var looks: [String] = []
    for (index, row) in table.dropFirst().enumerated() {
      let scores: [Markup] = row[2..<7].map { "\($0)" }
      if index < publishedCount {
        rows.append(
          ["\(row[0])", "–", "\(row[1])M"] + scores + ["", "\(row[7])"])
        looks.append("published")
        continue
      }
      let run = content.runs[index - publishedCount]
      let published = run.summary.configuration.model.published.map {
        String(format: "%.2fM", Double($0.parameters) / 1e6)
      }
      let isBest = run.best?.pesq != nil && run.best?.pesq == bestScore
      var cells: [Markup] = [
        "\(PageParts.key(run.style)) \(row[0])",
        "\(PageParts.grouped(run.summary.parameterCount))", "\(published ?? "–")",
      ]
      cells += scores
      if isBest { cells[3] = "<strong>\(row[2])</strong>" }
      cells.append(Self.verdicts(run.summary))
      rows.append(cells + ["<code>\(row[7])</code>"])
      looks.append(run.hasScores ? "" : "waiting")
    }
    var parts = [
      PageParts.table(
        header, rows, numbers: Set(1...7), label: "Comparison of runs", rowClasses: looks)
    ]
    let means: [Markup] = content.comparison.groups.map { group in
      let text = String(
        format: "%@: mean of best scores %.4f ± %.4f (standard deviation) over %d runs",
        group.model, group.mean, group.deviation, group.count)
      return "<li>\(text)</li>"
    }
    let remark: Markup = "<li>\(RunComparison.publishedRemark)</li>"
    parts.append("<ul class=\"note\">\((means + [remark]).joined())</ul>")
    return parts
  }

  /// The verdicts on the plan's criteria, a line for each.
  private static func verdicts(_ run: RunSummary) -> Markup {
    if run.verdicts.isEmpty { return "" }
    if !run.isComparable { return "<span class=\"soft\">not comparable</span>" }
    return run.verdicts.map { name, text -> Markup in
      "<span class=\"\(text.hasPrefix("met") ? "yes" : "no")\">\(name) \(text)</span>"
    }.joined(by: "<br>")
  }
}
