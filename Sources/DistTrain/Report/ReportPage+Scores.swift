import Foundation

extension ReportPage {
  /// The table of `disttrain compare`, with sizes and criteria.
  var comparison: [Markup] {
    let table = content.comparison.table.rows
    // Model, size, score, pass, noisy, SI-SDR, passes, source: as the command prints them.
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

  /// The plan's criteria, a line for each.
  private static func verdicts(_ run: RunSummary) -> Markup {
    if run.verdicts.isEmpty { return "" }
    if !run.isComparable { return "<span class=\"soft\">not comparable</span>" }
    return run.verdicts.map { name, text -> Markup in
      "<span class=\"\(text.hasPrefix("met") ? "yes" : "no")\">\(name) \(text)</span>"
    }.joined(by: "<br>")
  }

  /// All metrics of the test utterances, where runs have them; nothing where none does.
  var testScores: [Markup] {
    let tested = content.runs.filter { $0.test != nil }
    guard let columns = tested.compactMap({ $0.test?.metrics }).max(by: { $0.count < $1.count })
    else { return [] }
    var rows: [[Markup]] = []
    var seen: Set<String> = []
    var unscored: [String] = []
    for run in tested {
      guard let test = run.test else { continue }
      let sides = Self.scorable(test, run.noisyTest)
      if let noisy = run.noisyTest {
        let cells = columns.map { Self.mean(noisy, $0, sides) }
        // The same for all runs, if they were evaluated on the same utterances.
        if seen.insert(cells.map(\.text).joined()).inserted {
          let name = seen.count == 1 ? "noisy" : "noisy, as for \(run.name)"
          rows.append(["\(name)"] + cells + ["\(sides.count)"])
        }
      }
      rows.append(
        ["\(PageParts.key(run.style)) \(run.name)"] + columns.map { Self.mean(test, $0, sides) }
          + ["\(sides.count)"])
      let left = test.rows.count - sides.count
      if left > 0 { unscored.append("\(run.name): \(left) of \(test.rows.count)") }
    }
    // The unprocessed row first, whatever the order of the runs.
    rows =
      rows.filter { $0[0].text.hasPrefix("noisy") } + rows.filter { !$0[0].text.hasPrefix("noisy") }
    let header: [Markup] = [""] + columns.map { "\(Self.title($0))" } + ["utterances"]
    var notes: [Markup] = [
      """
      <p class="note">Means over the test utterances with the best weights, ± 95% interval of the \
      mean. Higher is better, except for LLR and WSS.</p>
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
    return [
      PageParts.table(
        header, rows, numbers: Set(1...columns.count + 1), label: "Scores of the test set")
    ] + notes
  }

  /// Names of the utterances with all scores on both sides.
  private static func scorable(_ test: ScoreFile, _ noisy: ScoreFile?) -> Set<String> {
    func clean(_ file: ScoreFile) -> Set<String> {
      Set(file.rows.filter { ($0["error"] ?? "").isEmpty }.compactMap { $0["file"] })
    }
    return noisy.map { clean(test).intersection(clean($0)) } ?? clean(test)
  }

  private static func mean(_ file: ScoreFile, _ column: String, _ names: Set<String>) -> Markup {
    let values = file.rows.filter { names.contains($0["file"] ?? "") }
      .compactMap { $0[column].flatMap(Double.init) }
    guard let mean = Mean(values) else { return "–" }
    let digits = ["si_sdr", "ssnr", "wss"].contains(column) ? 2 : 3
    let interval = mean.interval.map { String(format: "%.\(digits)f", $0) }
    let value = String(format: "%.\(digits)f", mean.value)
    return interval.map { "\(value)<br><small>± \($0)</small>" } ?? "\(value)"
  }

  private static func title(_ column: String) -> String {
    [
      "pesq_wb": "PESQ", "stoi": "STOI", "estoi": "ESTOI", "si_sdr": "SI-SDR, dB",
      "ssnr": "SSNR, dB", "llr": "LLR", "wss": "WSS", "csig": "CSIG", "cbak": "CBAK",
      "covl": "COVL",
    ][column] ?? column
  }
}
