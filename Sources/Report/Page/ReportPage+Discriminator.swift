import Charts
import Foundation
import Platform
import RunFiles

extension ReportPage {
  private var trained: [ReportRun] { content.runs.filter { !$0.timeline.discriminator.isEmpty } }

  /// The section of runs with a discriminator: its losses over steps, labels and predictions, and
  /// the predictions of the last epoch against the true PESQ.
  var discriminator: [Markup] {
    let charts = [
      steps("Loss of the discriminator", "loss") { $0.loss },
      steps("Adversarial term of the generator", "(D − 1)²") { $0.generatorTerm },
      steps("PESQ of the training crops", "PESQ") { $0.pesq },
      steps("Error of the mean prediction", "PESQ") { step in
        step.pesq.flatMap { pesq in step.predictedPESQ.map { $0 - pesq } }
      },
      scatter,
    ].compactMap { $0 }
    guard !charts.isEmpty else { return [] }
    let figures = charts.map { chart in
      PageParts.figure(chart, note: chart.title == scatterTitle ? scatterNote : stepNote)
    }
    return ["<div class=\"grid\">\(figures.joined())</div>"]
  }

  private var window: Int {
    max(5, (trained.map(\.timeline.discriminator.count).max() ?? 0) / 50)
  }

  private var stepNote: String { "Running mean over \(window) steps." }

  /// A chart over steps; nil if no run has two values.
  private func steps(
    _ title: String, _ unit: String, _ value: (RunTimeline.DiscriminatorStep) -> Double?
  ) -> Chart? {
    let series = trained.compactMap { run -> Chart.Series? in
      let points = Thinning.runningMeans(
        run.timeline.discriminator.compactMap { step in
          value(step).map { (x: Double(step.step), y: $0) }
        }, window: window, to: 200)
      if points.count < 2 { return nil }
      return Chart.Series(name: run.name, style: run.style, points: points, hasMarkers: false)
    }
    if series.isEmpty { return nil }
    return Chart(
      title: title, x: Chart.Axis(title: "step", isWhole: true, isTight: true),
      y: Chart.Axis(title: unit), series: series)
  }

  private var scatterTitle: String { "Predicted against true PESQ, last epoch" }

  private var scatterNote: String {
    "Each point is a training crop of the last finished epoch, at most "
      + "\(Self.scatterLimit) of a run; on the dotted line the prediction is right."
  }

  private static let scatterLimit = 400

  private var scatter: Chart? {
    let series = content.runs.compactMap { run -> Chart.Series? in
      let points = run.predictions.compactMap { row in
        row.pesq.map { Chart.Point(x: $0, y: row.predicted, name: row.utterance) }
      }
      if points.isEmpty { return nil }
      return Chart.Series(
        name: run.name, style: run.style, points: Thinning.points(points, to: Self.scatterLimit),
        hasLine: false)
    }
    if series.isEmpty { return nil }
    let all = series.flatMap(\.points)
    let low = all.reduce(4.64) { min($0, $1.x) }
    let high = all.reduce(1) { max($0, $1.x) }
    return Chart(
      title: scatterTitle, x: Chart.Axis(title: "true PESQ", digits: 2),
      y: Chart.Axis(title: "predicted PESQ", digits: 2), series: series,
      guides: [
        Chart.Guide(
          name: "right", points: [Chart.Point(x: low, y: low), Chart.Point(x: high, y: high)])
      ], hasEndLabels: false)
  }
}
