import Charts
import Foundation
import Platform
import RunFiles

extension ReportPage {
  /// The section with scores, losses and learning rate over epochs, and the loss over steps.
  var curves: [Markup] {
    var pesq = chart("PESQ of the validation", "PESQ", \.pesq)
    var siSDR = chart("SI-SDR of the validation", "dB", \.siSDR, digits: 2)
    pesq?.guides = guides(\.noisyPESQ, digits: 2)
    siSDR?.guides = guides(\.noisySISDR, digits: 1)
    let charts = [
      pesq, siSDR, chart("Validation loss", "loss", \.validationLoss),
      chart("Training loss", "loss", \.trainingLoss), stepLoss,
      chart("Learning rate", "rate", { $0.learningRate }, digits: 6, hasMarkers: false),
    ].compactMap { $0 }
    guard !charts.isEmpty else { return [] }
    let figures = charts.map { chart in
      PageParts.figure(chart, note: chart.title == stepTitle ? stepNote : nil)
    }
    return ["<div class=\"grid\">\(figures.joined())</div>"]
  }

  /// A chart of a column of the histories over epochs; nil if no run has the column.
  private func chart(
    _ title: String, _ unit: String, _ column: (EpochReport) -> Double?, digits: Int = 4,
    hasMarkers: Bool = true
  ) -> Chart? {
    let series = content.runs.compactMap { run -> Chart.Series? in
      let points = run.rows.compactMap { row in
        column(row).map { Chart.Point(x: Double(row.epoch), y: $0) }
      }
      if points.isEmpty { return nil }
      return Chart.Series(
        name: run.name, style: run.style, points: Thinning.points(points, to: 240),
        hasMarkers: hasMarkers)
    }
    if series.isEmpty { return nil }
    return Chart(
      title: title, x: Chart.Axis(title: "epoch", isWhole: true, isTight: true),
      y: Chart.Axis(title: unit, digits: digits), series: series)
  }

  /// Guides at the levels of the unprocessed side, one for all runs with an equal level.
  private func guides(_ column: (EpochReport) -> Double?, digits: Int) -> [Chart.Guide] {
    var levels: [(text: String, value: Double)] = []
    for run in content.runs {
      guard let value = run.rows.last.flatMap(column) else { continue }
      let text = String(format: "noisy %.\(digits)f", value)
      if !levels.contains(where: { $0.text == text }) { levels.append((text, value)) }
    }
    return levels.map { Chart.Guide.level($0.text, $0.value) }
  }

  private var stepTitle: String { "Training loss, step by step" }

  private var stepWindow: Int {
    max(5, (content.runs.map(\.timeline.steps.count).max() ?? 0) / 50)
  }

  private var stepNote: String {
    let goings = content.runs.contains { !$0.timeline.rollbacks.isEmpty }
    return "Running mean over \(stepWindow) steps."
      + (goings ? " Dotted uprights: a run went back after this step." : "")
  }

  private var stepLoss: Chart? {
    let series = content.runs.compactMap { run -> Chart.Series? in
      let points = Thinning.runningMeans(
        run.timeline.steps.lazy.compactMap { step in
          step.loss.map { (x: Double(step.step), y: $0) }
        }, window: stepWindow, to: 200)
      if points.count < 2 { return nil }
      return Chart.Series(
        name: run.name, style: run.style, points: points, hasMarkers: false)
    }
    if series.isEmpty { return nil }
    let marks = content.runs.flatMap { run in
      run.timeline.rollbacks.map {
        Chart.Mark(
          x: Double($0.fromStep), name: "\(run.name) went back after step \($0.fromStep)")
      }
    }
    return Chart(
      title: stepTitle, x: Chart.Axis(title: "step", isWhole: true, isTight: true),
      y: Chart.Axis(title: "loss"),
      series: series, marks: marks)
  }
}

/// The reduction of series to fewer points without a visible change.
enum Thinning {
  /// At most about `limit` evenly spaced points of `points`, with the first and the last.
  static func points(_ points: [Chart.Point], to limit: Int) -> [Chart.Point] {
    indices(of: points.count, to: limit).map { points[$0] }
  }

  /// The mean around each of `points`, over up to `window` of them, at most about `limit` evenly
  /// spaced ones with the first and the last. Keeps 16 bytes for each point.
  static func runningMeans(
    _ points: some Sequence<(x: Double, y: Double)>, window: Int, to limit: Int
  ) -> [Chart.Point] {
    var places: [Double] = []
    var sums = [0.0]
    for point in points {
      places.append(point.x)
      sums.append((sums.last ?? 0) + point.y)
    }
    let half = window / 2
    return indices(of: places.count, to: limit).map { index in
      let range = max(0, index - half)..<min(places.count, index + window - half)
      let mean = (sums[range.upperBound] - sums[range.lowerBound]) / Double(range.count)
      return Chart.Point(x: places[index], y: mean)
    }
  }

  private static func indices(of count: Int, to limit: Int) -> [Int] {
    guard count > limit, limit > 1 else { return Array(0..<count) }
    return (0..<limit).map { $0 * (count - 1) / (limit - 1) }
  }
}
