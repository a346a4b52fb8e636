import Charts
import Foundation
import Platform

extension ReportPage {
  private var scored: [ReportRun] {
    content.runs.filter { $0.utterances?.rows.isEmpty == false }
  }

  private var splitName: String {
    scored.first?.utterances?.split == .test ? "test" : "validation"
  }

  /// The section with noisy against enhanced quality of every utterance, and gains by noise level
  /// and speaker.
  package var utterances: [Markup] {
    if scored.isEmpty { return [] }
    let count = scored.compactMap { $0.utterances?.rows.count }.max() ?? 0
    var parts: [Markup] = [
      """
      <p>Every mark is one of \(NumberText.count(count, "\(splitName) utterance")) with the run's \
      best weights; above the dotted line it is better than before. Gains are enhanced minus noisy \
      PESQ, means with their 95% intervals.</p>
      """
    ]
    parts.append("<div class=\"grid small\">\(scored.map(scatter).joined())</div>")
    let gains = [byRatio, bySpeaker].compactMap { $0 }
    if !gains.isEmpty { parts.append("<div class=\"grid\">\(gains.joined())</div>") }
    let unscored = scored.flatMap { run in
      (run.utterances?.unscored ?? []).map { "\(run.name): \($0.file) (\($0.reason))" }
    }
    if !unscored.isEmpty {
      let items: [Markup] = unscored.prefix(50).map { "<li>\($0)</li>" }
      parts.append(
        """
        <details><summary>\(NumberText.count(unscored.count, "utterance")) without a score\
        </summary><ul>\(items.joined())</ul></details>
        """)
    }
    return parts
  }

  private func scatter(_ run: ReportRun) -> Markup {
    let rows = run.utterances?.rows ?? []
    let all = scored.flatMap { $0.utterances?.rows ?? [] }.flatMap { [$0.noisyPESQ, $0.pesq] }
    let low = (all.min() ?? 1).rounded(.down)
    let high = max(low + 1, (all.max() ?? 4.6).rounded(.up))
    let points = rows.map { row in
      Chart.Point(
        x: row.noisyPESQ, y: row.pesq,
        name: String(format: "%@: noisy %.2f, enhanced %.2f", row.file, row.noisyPESQ, row.pesq))
    }
    let better = rows.count { $0.gain > 0 }
    let mean = run.utterances?.meanGain ?? 0
    let chart = Chart(
      title: run.name,
      x: Chart.Axis(title: "PESQ, noisy", digits: 2, including: [low, high], isTight: true),
      y: Chart.Axis(title: "PESQ, enhanced", digits: 2, including: [low, high], isTight: true),
      series: [
        Chart.Series(name: run.name, style: run.style, points: points, hasLine: false)
      ],
      guides: [
        Chart.Guide(
          name: "unchanged", points: [Chart.Point(x: low, y: low), Chart.Point(x: high, y: high)])
      ],
      width: 240, plotHeight: 190, hasEndLabels: false)
    let table =
      [["utterance", "noisy", "enhanced", "gain"]]
      + rows.map { row in
        [row.file] + [row.noisyPESQ, row.pesq, row.gain].map { String(format: "%.3f", $0) }
      }
    return PageParts.figure(
      title: chart.title, chart.svg, table: table,
      note: String(
        format: "%d of %d better, mean gain %+.3f", better, rows.count, mean),
      kind: "chart scatter")
  }

  /// Chart of gains by signal-to-noise ratio; nil if no ratio is known.
  private var byRatio: Markup? {
    let facts = content.facts
    let isListed = content.corpus?.isListed ?? false
    // Listed ratios are few; measured ratios are grouped into bins of 5 dB, named by their edges.
    let groups = GainGroups(
      scored,
      by: { name -> Double? in
        guard let decibels = facts[name]?.decibels else { return nil }
        return isListed ? decibels : (decibels / 5).rounded(.down) * 5
      }, order: <,
      name: { isListed ? NumberText.setting($0) : String(format: "%g to %g", $0, $0 + 5) })
    let note =
      isListed
      ? "Signal-to-noise ratios by the corpus's own list."
      : "Signal-to-noise ratios measured: the level of active speech over that of the noise."
    return figure(
      groups, title: "Mean gain by signal-to-noise ratio", axis: "signal-to-noise ratio, dB",
      note: note, hasLine: true)
  }

  /// Chart of gains by speaker; nil if no speaker is known.
  private var bySpeaker: Markup? {
    let facts = content.facts
    let groups = GainGroups(scored, by: { facts[$0]?.speaker }, order: <, name: { $0 })
    return figure(
      groups, title: "Mean gain by speaker", axis: "speaker", note: nil, hasLine: false)
  }

  private func figure(
    _ groups: GainGroups, title: String, axis: String, note: String?, hasLine: Bool
  ) -> Markup? {
    let groups = groups.groups
    if groups.isEmpty { return nil }
    let series = scored.enumerated().map { index, run in
      // Points are side by side, so that their intervals do not hide each other.
      let shift =
        (Double(index) - Double(scored.count - 1) / 2) * min(0.14, 0.7 / Double(scored.count))
      return Chart.Series(
        name: run.name, style: run.style,
        points: groups.enumerated().compactMap { place, group in
          group.gains[index].map { mean in
            Chart.Point(
              x: Double(place) + shift, y: mean.mean, interval: mean.halfWidth,
              name: String(format: "%@, %@: %+.3f", run.name, group.name, mean.mean)
                + " over \(NumberText.count(mean.count, "utterance"))")
          }
        }, hasLine: hasLine)
    }
    let chart = Chart(
      title: title, x: Chart.Axis(title: axis, kind: .categories(groups.map(\.name))),
      y: Chart.Axis(title: "gain in PESQ", digits: 3, including: [0]), series: series,
      guides: [.level("unchanged", 0)], hasEndLabels: false)
    var table = chart.table
    // The number of utterances shows how reliable a mean is.
    table[0].append("utterances")
    for (row, group) in groups.enumerated() {
      table[row + 1].append("\(group.gains.compactMap { $0?.count }.max() ?? 0)")
    }
    return PageParts.figure(title: chart.title, chart.svg, table: table, note: note)
  }
}
