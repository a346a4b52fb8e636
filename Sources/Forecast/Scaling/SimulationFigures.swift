import Files
import Foundation
import Platform

/// A forecast at several numbers of ranks, as in its JSON.
package struct SimulationFigures: Codable {
  /// The comparison of a measured step with its forecast.
  package struct Check: Codable {
    let path: String
    let ranks: Int
    let hosts: Int
    let measuredSeconds: Double
    let predictedSeconds: Double
    /// Relative difference of the forecast from the measurement.
    let difference: Double
    /// Spread of the measured steps: slowest minus fastest over the median.
    let spread: Double
  }

  package let preset: String
  package let batch: Int
  package let globalBatch: Int
  package let network: NetworkModel
  package let shared: NetworkModel
  package let algorithm: String
  package let ranksPerHost: Int
  package let coresPerHost: Int
  package let jitter: Double
  package let calibration: String
  package let maximumGlobalBatch: Int
  package let rows: [ScalingSimulator.Row]
  package let checks: [Check]

  /// Forecasts of `simulator` for each of `ranks`, and comparisons with each of `measured`.
  package init(
    _ simulator: ScalingSimulator, ranks: [Int], preset: String, calibration: String,
    measured: [(path: String, record: StepRecord)]
  ) {
    self.preset = preset
    self.calibration = calibration
    batch = simulator.batch
    globalBatch = simulator.globalBatch
    let cluster = simulator.cluster
    network = cluster.cost.network
    shared = cluster.cost.shared
    algorithm = cluster.algorithm?.rawValue ?? "fastest"
    ranksPerHost = cluster.ranksPerHost
    coresPerHost = cluster.coresPerHost
    jitter = cluster.jitter
    maximumGlobalBatch = simulator.epoch.maximumGlobalBatch
    rows = ranks.map(simulator.row)
    checks = measured.map { path, record in
      var cluster = cluster
      cluster.ranksPerHost = record.scaling.ranksPerHost
      cluster.sideBySide = record.utterancesSideBySide ?? cluster.sideBySide
      let forecast = StepForecast(
        simulator.step, cluster, ranks: record.ranks, batch: record.batch)
      return Check(
        path: path, ranks: record.ranks, hosts: cluster.layout(record.ranks).hosts,
        measuredSeconds: record.stepSeconds, predictedSeconds: forecast.seconds,
        difference: forecast.seconds / record.stepSeconds - 1,
        spread: record.spread)
    }
  }

  /// The rows as CSV.
  package var csv: String {
    let header = [
      "ranks", "hosts", "global_batch", "step_seconds", "exposed_seconds", "jitter_seconds",
      "audio_seconds_per_second", "weak_efficiency", "strong_efficiency", "epoch_seconds",
      "validation_seconds", "checkpoint_seconds", "main_loss", "main_loss_share",
    ]
    return TextTable(
      [header]
        + rows.map { row in
          let numbers = [
            row.stepSeconds, row.step.exposed, row.step.jitter, row.audioSecondsPerSecond,
            row.weakEfficiency, row.strongEfficiency, row.epochSeconds, row.validationSeconds,
            row.checkpointSeconds,
          ]
          return ["\(row.ranks)", "\(row.hosts)", "\(row.globalBatch)"]
            + numbers.map { "\($0)" } + [row.mainLoss.rawValue, "\(row.mainLossShare)"]
        }
    ).csv
  }

  /// The forecast as a picture.
  package var picture: ScalingPicture {
    func points(_ value: (ScalingSimulator.Row) -> Double) -> [ScalingPicture.Point] {
      rows.map { .init(ranks: $0.ranks, value: value($0), isMarked: $0.oversubscribed) }
    }
    let base = rows.first.map { $0.audioSecondsPerSecond / $0.weakEfficiency / Double($0.ranks) }
    return ScalingPicture(
      title: "\(preset), forecast over \(network.name), "
        + "\(NumberText.count(ranksPerHost, "rank")) a host at most",
      rankThroughput: base ?? 0,
      efficiency: [
        .init(name: "weak, batch \(batch) a rank", points: points { 100 * $0.weakEfficiency }),
        .init(
          name: "strong, batch \(globalBatch) in all",
          points: points { 100 * $0.strongEfficiency }),
      ],
      throughput: .init(name: "weak", points: points(\.audioSecondsPerSecond)))
  }
}

extension SimulationFigures: CustomStringConvertible {
  /// The forecast as text: assumptions, table, warnings, and measured steps.
  package var description: String {
    var lines = [
      "forecast for \(preset), batch \(batch) a rank, from \(calibration)",
      "network \(network), inside hosts \(shared), gradients added up \(algorithm)",
      "\(NumberText.count(ranksPerHost, "rank")) and "
        + "\(NumberText.count(coresPerHost, "core")) a host at most, computing time deviates by "
        + String(format: "%.2f%%", 100 * jitter) + " between ranks",
      "", table.aligned, "",
      "strong: a global batch of \(globalBatch). main loss: what takes most of an epoch besides "
        + "computing, and its share.",
      "fastest: how the gradients of a step would be added up soonest, all at once; this program "
        + "sends them pairwise.",
    ]
    if rows.contains(where: \.oversubscribed) { lines.append("* more ranks than cores") }
    if let large = rows.first(where: \.isBatchTooLarge) {
      lines.append(
        "warning: from \(NumberText.count(large.ranks, "rank")) on the global batch is "
          + "\(large.globalBatch) or more, beyond --max-global-batch \(maximumGlobalBatch): "
          + "\(NumberText.count(large.stepsPerEpoch, "step")) an epoch and fewer, so it is no "
          + "longer throughput that limits; lower --batch, or warm up longer"
      )
    }
    lines += ["", "Trained with validation and checkpoints:"]
    lines += rows.map { "  \($0.throughput)" }
    if !checks.isEmpty { lines += ["", checkTable.aligned] }
    if checks.contains(where: { $0.spread > 0.15 }) {
      lines.append(
        "warning: measured steps differ among themselves by more than 15%: something else ran; "
          + "measure again")
    }
    return lines.joined(separator: "\n")
  }

  private var table: TextTable {
    let header = [
      "ranks", "hosts", "step s", "exposed ms", "weak", "strong", "epoch min", "main loss", "share",
      "transfer ms", "fastest",
    ]
    return TextTable(
      [header]
        + rows.map { row in
          let percent = { (value: Double) in String(format: "%.1f%%", 100 * value) }
          return [
            "\(row.ranks)\(row.oversubscribed ? "*" : "")", "\(row.hosts)",
            String(format: "%.3f", row.stepSeconds), NumberText.milliseconds(row.step.exposed),
            percent(row.weakEfficiency), percent(row.strongEfficiency),
            NumberText.figures(row.epochSeconds / 60), row.mainLoss.rawValue,
            percent(row.mainLossShare), NumberText.milliseconds(row.step.transfer),
            row.ranks == 1
              ? "–" : "\(row.fastest.rawValue) \(NumberText.milliseconds(row.fastestSeconds))",
          ]
        })
  }

  private var checkTable: TextTable {
    TextTable(
      [["measured", "ranks", "hosts", "measured s", "spread", "predicted s", "difference"]]
        + checks.map { check in
          [
            check.path, "\(check.ranks)", "\(check.hosts)",
            String(format: "%.3f", check.measuredSeconds),
            NumberText.percent(check.spread),
            String(format: "%.3f", check.predictedSeconds),
            String(format: "%+.1f%%", 100 * check.difference),
          ]
        })
  }
}
