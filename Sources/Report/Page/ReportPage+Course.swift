import Charts
import Foundation
import Metrics
import Platform

extension ReportPage {
  /// The section about the time of each run: its parts and its speed.
  var time: [Markup] {
    let runs = content.runs.filter { !$0.timeline.epochs.isEmpty }
    if runs.isEmpty { return [] }
    let parts = [
      "computing", "waiting for gradients", "waiting for audio", "validation", "checkpoints",
      "other",
    ]
    let bars = runs.map { run in StackedBars.Bar(name: run.name, values: run.timeParts) }
    let drawing = StackedBars(
      title: "Where the time went", parts: parts, bars: bars, identifier: "time",
      totalText: { TimeSpan.text($0) }, numberText: { String(format: "%.1f s", $0) })
    let figure = PageParts.figure(
      title: drawing.title, drawing.svg, table: drawing.table,
      note: "By the steps of finished epochs, as rank 0 saw them; the audio is the mean over "
        + "ranks. Steps that were done again after a restart are left out.")
    let header: [Markup] = [
      "run", "ranks", "global batch", "steps", "epochs", "audio s/s", "median step, ms",
      "an epoch, s", "checkpoints", "starts",
    ]
    let rows: [[Markup]] = runs.map { run in
      let epochs = run.timeline.epochs
      let rate = Estimate(epochs.map(\.report.audioSecondsPerSecond))?.mean ?? 0
      let epoch = Estimate(epochs.map(\.report.seconds))?.mean ?? 0
      var steps = run.timeline.steps.map { $0.busySeconds + $0.exposedSeconds }
      steps.sort()
      let median = steps.isEmpty ? 0 : steps[steps.count / 2]
      let configuration = run.summary.configuration
      return [
        "\(PageParts.key(run.style)) \(run.name)",
        "\(run.timeline.lastStart?.ranks ?? configuration.ranks)",
        "\(configuration.globalBatch)", "\(PageParts.grouped(run.timeline.steps.last?.step ?? 0))",
        "\(epochs.count)/\(configuration.epochs)", "\(NumberText.figures(rate))",
        "\(NumberText.figures(1000 * median))", "\(NumberText.figures(epoch))",
        "\(run.timeline.checkpointCount)", "\(run.timeline.startCount)",
      ]
    }
    return [
      "<div class=\"bars\">\(figure)</div>",
      PageParts.table(header, rows, numbers: Set(1...9), label: "Throughput"),
      "<p class=\"note\">Audio s/s: seconds of audio trained a second, all ranks together, without "
        + "validation.</p>",
    ]
  }

  /// The section with the pictures of `--scaling`.
  package var scaling: [Markup] {
    content.scaling.map { source in
      switch source {
      case .picture(let picture):
        let figures = picture.charts.map { chart in
          // The heading names the quantity; the axis has its unit.
          let name = chart.y.title.prefix { $0 != "," }
          return PageParts.figure(
            title: name.prefix(1).uppercased() + name.dropFirst(), chart.svg, table: chart.table)
        }
        let note: Markup = picture.note.map { "<p class=\"note\">\($0)</p>" } ?? .empty
        return "<h3>\(picture.title)</h3><div class=\"grid\">\(figures.joined())</div>\(note)"
      case .file(let path, let svg):
        return """
          <figure class="picture"><img alt="Picture of scaling from \(path)" \
          src="data:image/svg+xml;base64,\(svg.base64EncodedString())"></figure>
          """
      }
    }
  }

  /// The section about restarts, skipped steps, rollbacks and waiting ranks.
  var events: [Markup] {
    let limit = 30
    let items = content.runs.map { run -> Markup in
      let incidents = run.incidents.all
      var lines: [Markup] = incidents.prefix(limit).map { incident in
        "<li><span class=\"kind\">\(incident.kind)</span> \(incident.text)</li>"
      }
      if incidents.count > limit {
        lines.append("<li>and \(incidents.count - limit) more, see metrics.jsonl</li>")
      }
      let skipped = run.timeline.skippedCount
      let summary =
        incidents.isEmpty && skipped == 0
        ? "nothing out of the ordinary"
        : NumberText.count(skipped, "skipped step") + ", "
          + NumberText.count(run.timeline.rollbacks.count, "rollback") + ", "
          + NumberText.count(max(0, run.timeline.startCount - 1), "restart")
      let list: Markup = lines.isEmpty ? .empty : "<ul class=\"incidents\">\(lines.joined())</ul>"
      return "<h3>\(PageParts.key(run.style)) \(run.name)</h3><p>\(summary)</p>\(list)"
    }
    return items
  }

  /// The section about settings: the differences between the runs, and all settings folded.
  package var configuration: [Markup] {
    let flat = content.runs.map(\.settings)
    let keys = Set(flat.flatMap(\.keys)).sorted()
    let header: [Markup] =
      ["key"] + content.runs.map { "\(PageParts.key($0.style)) \($0.name)" }
    func table(_ keys: [String], _ label: String) -> Markup {
      let rows: [[Markup]] = keys.map { key in
        ["<code>\(key)</code>"] + flat.map { "\($0[key] ?? "–")" }
      }
      return "<div class=\"settings\">\(PageParts.table(header, rows, label: label))</div>"
    }
    let differing = keys.filter { key in Set(flat.map { $0[key] ?? "–" }).count > 1 }
    var parts: [Markup] = []
    if content.runs.count > 1 {
      parts.append(
        differing.isEmpty
          ? "<p>All runs have the same configuration.</p>"
          : "<p>Only what differs between the runs:</p>"
            + table(differing, "Differences of configuration"))
    }
    parts.append(
      """
      <details><summary>All \(NumberText.count(keys.count, "setting"))</summary>\
      \(table(keys, "Configuration"))</details>
      """)
    return parts
  }
}
