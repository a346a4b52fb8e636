import Files
import Foundation
import Platform

/// Measured steps at several numbers of ranks, compared with the smallest number.
package struct ScalingFigures: Codable {
  /// The batch that is constant over the results.
  package enum Mode: String, Codable {
    /// Weak scaling, with a constant batch of a rank.
    case weak
    /// Strong scaling, with a constant global batch.
    case strong
  }

  /// The figures at one number of ranks: seconds of a step, means over ranks.
  package struct Row: Codable {
    let ranks: Int
    let batch: Int
    let stepSeconds: Double
    let audioSecondsPerSecond: Double
    /// Ratio of the throughput of a rank to that with the fewest ranks.
    let efficiency: Double
    let dataSeconds: Double
    let forwardSeconds: Double
    let backwardSeconds: Double
    let exposedSeconds: Double
    let optimizerSeconds: Double
    /// Relative deviation of the computing time between ranks or, with one rank, between steps.
    let jitter: Double?
    /// Whether ranks shared cores.
    let oversubscribed: Bool
    let throughput: AblationThroughput
  }

  package let preset: String
  package let mode: Mode
  /// Length of an utterance, in seconds.
  package let seconds: Double
  package let threads: Int
  package let wire: String
  /// Number of ranks that the others are compared with.
  package let baseRanks: Int
  package let utterances: Int
  package let epochs: Int
  package let rows: [Row]

  /// Compares `results`, each with the path that errors name.
  ///
  /// - Throws: `ScalingError` if the results belong to different experiments.
  package init(_ results: [(path: String, record: StepRecord)], series: TrainingSeries)
    throws(ScalingError)
  {
    let sorted = results.sorted { $0.record.ranks < $1.record.ranks }
    guard let first = sorted.first else { throw .neitherWeakNorStrong }
    let base = first.record
    for (path, record) in sorted.dropFirst() {
      let what = [
        ("the preset", record.preset == base.preset), ("--seconds", record.seconds == base.seconds),
        ("--threads", record.threads == base.threads),
        ("--recompute", record.recompute == base.recompute), ("--wire", record.wire == base.wire),
        ("the processor", record.processor == base.processor),
      ].filter { !$0.1 }.map(\.0)
      if !what.isEmpty {
        throw .different(path: path, from: first.path, what: what.joined(separator: ", "))
      }
    }
    for (one, other) in zip(sorted, sorted.dropFirst()) where one.record.ranks == other.record.ranks
    {
      throw .twice(path: other.path, ranks: other.record.ranks)
    }
    if sorted.allSatisfy({ $0.record.batch == base.batch }) {
      mode = .weak
    } else if sorted.allSatisfy({ $0.record.globalBatch == base.globalBatch }) {
      mode = .strong
    } else {
      throw .neitherWeakNorStrong
    }
    preset = base.preset
    seconds = base.seconds
    threads = base.threads
    wire = base.wire.rawValue
    baseRanks = base.ranks
    utterances = series.utterances
    epochs = series.epochs
    rows = sorted.map { _, record in
      let split = record.scaling
      return Row(
        ranks: record.ranks, batch: record.batch, stepSeconds: record.stepSeconds,
        audioSecondsPerSecond: record.audioSecondsPerSecond,
        efficiency: Self.efficiency(
          ranks: record.ranks, throughput: record.audioSecondsPerSecond, baseRanks: base.ranks,
          baseThroughput: base.audioSecondsPerSecond),
        dataSeconds: split.dataSeconds, forwardSeconds: split.forwardSeconds,
        backwardSeconds: split.backwardSeconds, exposedSeconds: split.exposedSeconds,
        optimizerSeconds: split.optimizerSeconds, jitter: split.jitter,
        oversubscribed: record.isOversubscribed,
        throughput: series.throughput(
          ranks: record.ranks, globalBatch: record.globalBatch, stepSeconds: record.stepSeconds))
    }
  }

  /// Ratio of the throughput of a rank to that of a rank among fewer ranks: T(1)/T(n) with one
  /// batch per rank, T(1)/(n·T(n)) with one global batch.
  package static func efficiency(
    ranks: Int, throughput: Double, baseRanks: Int, baseThroughput: Double
  ) -> Double {
    (throughput / Double(ranks)) / (baseThroughput / Double(baseRanks))
  }

  /// The rows as CSV.
  package var csv: String {
    let header = [
      "ranks", "batch", "step_seconds", "audio_seconds_per_second", "efficiency", "data_seconds",
      "forward_seconds", "backward_seconds", "exposed_seconds", "optimizer_seconds", "jitter",
      "oversubscribed", "models_per_day",
    ]
    return TextTable(
      [header]
        + rows.map { row in
          let numbers = [
            row.stepSeconds, row.audioSecondsPerSecond, row.efficiency, row.dataSeconds,
            row.forwardSeconds, row.backwardSeconds, row.exposedSeconds, row.optimizerSeconds,
          ]
          return ["\(row.ranks)", "\(row.batch)"] + numbers.map { "\($0)" }
            + [
              row.jitter.map { "\($0)" } ?? "", "\(row.oversubscribed)",
              "\(row.throughput.modelsPerDay)",
            ]
        }
    ).csv
  }

  /// The figures as a picture.
  package var picture: ScalingPicture {
    func points(_ value: (Row) -> Double) -> [ScalingPicture.Point] {
      rows.map { .init(ranks: $0.ranks, value: value($0), isMarked: $0.oversubscribed) }
    }
    return ScalingPicture(
      title: "\(preset), \(mode.rawValue) scaling, measured",
      rankThroughput: rows.first.map { $0.audioSecondsPerSecond / Double($0.ranks) } ?? 0,
      efficiency: [.init(name: "measured", points: points { 100 * $0.efficiency })],
      throughput: .init(name: "measured", points: points(\.audioSecondsPerSecond)))
  }
}

extension ScalingFigures: CustomStringConvertible {
  /// The figures as text: the table, and the time of the ablations.
  package var description: String {
    let what =
      mode == .weak
      ? "one batch per rank (weak scaling)" : "one global batch (strong scaling)"
    var lines = [
      "\(preset): \(what), utterances of \(NumberText.setting(seconds)) s, "
        + "\(NumberText.count(threads, "thread")) a rank, \(wire) on the wire",
      "", table.aligned, "",
      "Milliseconds of a step are means over ranks; jitter is the deviation of computing time "
        + "between ranks,",
      "with one rank between steps. Efficiency is the throughput of a rank over that "
        + "with \(NumberText.count(baseRanks, "rank")).",
    ]
    if rows.contains(where: \.oversubscribed) {
      lines.append("* more ranks than cores: they take turns, so this says nothing about scaling")
    }
    lines += [
      "",
      "\(NumberText.count(utterances, "utterance")), \(NumberText.count(epochs, "epoch")), "
        + "validation not counted:",
    ]
    lines += rows.map { "  \($0.throughput)" }
    return lines.joined(separator: "\n")
  }

  private var table: TextTable {
    let header = [
      "ranks", "batch", "step s", "audio-s/s", "efficiency", "data", "forward", "backward",
      "exposed", "clip + opt", "jitter",
    ]
    return TextTable(
      [header]
        + rows.map { row in
          let parts = [
            row.dataSeconds, row.forwardSeconds, row.backwardSeconds, row.exposedSeconds,
            row.optimizerSeconds,
          ]
          return [
            "\(row.ranks)\(row.oversubscribed ? "*" : "")", "\(row.batch)",
            String(format: "%.3f", row.stepSeconds),
            String(format: "%.2f", row.audioSecondsPerSecond),
            String(format: "%.1f%%", 100 * row.efficiency),
          ] + parts.map(NumberText.milliseconds)
            + [row.jitter.map { String(format: "%.2f%%", 100 * $0) } ?? "–"]
        })
  }
}
