import Foundation

/// The costs of an epoch besides its steps, and the limit of the global batch.
package struct SimulatedEpoch: Equatable, Sendable {
  package var series: TrainingSeries
  package var validationUtterances: Int
  /// Time of a core to enhance and score an utterance, in seconds.
  package var validationSeconds: Double
  /// Duration of a checkpoint, in seconds.
  package var checkpointSeconds: Double
  /// Interval between two checkpoints within an epoch, in seconds.
  package var checkpointInterval: Double
  /// Number of utterances per step above which training is known to suffer.
  package var maximumGlobalBatch: Int

  /// Epoch with times in seconds; the defaults are those of VoiceBank-DEMAND on one core.
  package init(
    series: TrainingSeries = TrainingSeries(), validationUtterances: Int = 824,
    validationSeconds: Double = 0.15, checkpointSeconds: Double = 0.2,
    checkpointInterval: Double = 600, maximumGlobalBatch: Int = defaultMaximumGlobalBatch
  ) {
    self.series = series
    self.validationUtterances = validationUtterances
    self.validationSeconds = validationSeconds
    self.checkpointSeconds = checkpointSeconds
    self.checkpointInterval = checkpointInterval
    self.maximumGlobalBatch = maximumGlobalBatch
  }

  /// Default of `maximumGlobalBatch`.
  package static let defaultMaximumGlobalBatch = 384

  /// Duration of a checkpoint of a model with `parameterCount` parameters, in seconds: weights and
  /// moments at 200 MB/s.
  package static func checkpointSeconds(parameterCount: Int) -> Double {
    Double(12 * parameterCount) / 200e6
  }
}

/// A simulator that forecasts steps and epochs at numbers of ranks that are not measured.
package struct ScalingSimulator: Sendable {
  /// A loss compared with perfect scaling.
  package enum Loss: String, Codable, CaseIterable, Sendable {
    case none
    case sharing = "ranks share cores"
    case jitter
    case communication = "exposed communication"
    case data = "waiting for audio"
    case validation
    case checkpoint
    case lastBatch = "last batch not full"
  }

  /// The forecast at one number of ranks.
  package struct Row: Codable, Equatable, Sendable {
    package let ranks: Int
    package let hosts: Int
    package let globalBatch: Int
    package let step: StepForecast
    package let stepSeconds: Double
    package let audioSecondsPerSecond: Double
    /// Efficiency T(1)/T(n) with a constant batch per rank.
    package let weakEfficiency: Double
    /// Efficiency T(1)/(n·T(n)) with a constant global batch.
    package let strongEfficiency: Double
    package let stepsPerEpoch: Int
    package let epochSeconds: Double
    package let validationSeconds: Double
    package let checkpointSeconds: Double
    package let mainLoss: Loss
    /// Share of the largest loss in the epoch.
    package let mainLossShare: Double
    /// Fastest algorithm for adding gradients, and its time for all of them at once, in seconds.
    package let fastest: AllReduceAlgorithm
    package let fastestSeconds: Double
    /// Whether the global batch exceeds `maximumGlobalBatch`.
    package let isBatchTooLarge: Bool
    /// Whether ranks share cores.
    package let oversubscribed: Bool
    package let throughput: AblationThroughput
  }

  package let step: StepModel
  package let cluster: SimulatedCluster
  package let epoch: SimulatedEpoch
  /// Number of utterances of a rank per step.
  package let batch: Int
  /// Global batch for strong scaling.
  package let globalBatch: Int

  /// Simulator of weak scaling, with `batch` utterances a rank, and of strong scaling, with
  /// `globalBatch` over all ranks.
  package init(
    step: StepModel, cluster: SimulatedCluster, epoch: SimulatedEpoch, batch: Int,
    globalBatch: Int
  ) {
    self.step = step
    self.cluster = cluster
    self.epoch = epoch
    self.batch = batch
    self.globalBatch = globalBatch
  }

  /// The forecast for `ranks` ranks.
  package func row(ranks: Int) -> Row {
    let layout = cluster.layout(ranks)
    let forecast = StepForecast(step, cluster, ranks: ranks, batch: batch)
    let alone = StepForecast(step, cluster, ranks: 1, batch: batch)
    let strong = StepForecast(
      step, cluster, ranks: ranks, batch: (globalBatch + ranks - 1) / ranks)
    let strongAlone = StepForecast(step, cluster, ranks: 1, batch: globalBatch)
    let load = cluster.load(layout, threads: step.threads)

    let together = batch * ranks
    let steps = epoch.series.stepsPerEpoch(globalBatch: together)
    let training = Double(steps) * forecast.seconds
    let rounds = (epoch.validationUtterances + ranks - 1) / ranks
    let validation = Double(rounds) * epoch.validationSeconds * load
    // Checkpoints before and after validation, and at intervals in between.
    let saves = 2 + ((training + validation) / epoch.checkpointInterval).rounded(.down)
    let checkpoint = saves * epoch.checkpointSeconds
    let seconds = training + validation + checkpoint

    let count = Double(steps)
    let idle = Double(max(0, steps * together - epoch.series.utterances)) / Double(together)
    let losses: [(Loss, Double)] = [
      (.sharing, count * forecast.sharing), (.jitter, count * forecast.jitter),
      (.communication, count * (forecast.exposed + forecast.progress)),
      (.data, count * forecast.data), (.validation, validation), (.checkpoint, checkpoint),
      (.lastBatch, idle * forecast.seconds),
    ]
    let main = losses.max { $0.1 < $1.1 } ?? (.none, 0)
    let best = cluster.cost.best(
      bytes: Double(step.parameterCount * cluster.elementBytes), layout)
    return Row(
      ranks: ranks, hosts: layout.hosts, globalBatch: together, step: forecast,
      stepSeconds: forecast.seconds,
      audioSecondsPerSecond: Double(together) * step.audioSeconds / forecast.seconds,
      weakEfficiency: alone.seconds / forecast.seconds,
      strongEfficiency: strongAlone.seconds / (Double(ranks) * strong.seconds),
      stepsPerEpoch: steps, epochSeconds: seconds, validationSeconds: validation,
      checkpointSeconds: checkpoint, mainLoss: main.1 > 0 ? main.0 : .none,
      mainLossShare: main.1 / seconds, fastest: best.algorithm, fastestSeconds: best.seconds,
      isBatchTooLarge: together > epoch.maximumGlobalBatch, oversubscribed: load > 1,
      throughput: epoch.series.throughput(ranks: ranks, epochSeconds: seconds))
  }
}
