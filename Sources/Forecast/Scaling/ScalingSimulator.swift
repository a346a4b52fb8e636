import Foundation

/// What happens between the steps of an epoch, and how large a batch may be.
package struct SimulatedEpoch: Equatable, Sendable {
  package var plan: TrainingPlan
  package var validationUtterances: Int
  /// Seconds of a core for an utterance: enhancing it and its scores.
  package var validationSeconds: Double
  /// Seconds of a checkpoint.
  package var checkpointSeconds: Double
  /// Seconds between two checkpoints within an epoch.
  package var checkpointInterval: Double
  /// Utterances of a step beyond which training is known to suffer.
  package var maximumGlobalBatch: Int

  /// Puts the parts together.
  package init(
    plan: TrainingPlan = TrainingPlan(), validationUtterances: Int = 824,
    validationSeconds: Double = 0.15, checkpointSeconds: Double = 0.2,
    checkpointInterval: Double = 600, maximumGlobalBatch: Int = defaultMaximumGlobalBatch
  ) {
    self.plan = plan
    self.validationUtterances = validationUtterances
    self.validationSeconds = validationSeconds
    self.checkpointSeconds = checkpointSeconds
    self.checkpointInterval = checkpointInterval
    self.maximumGlobalBatch = maximumGlobalBatch
  }

  /// Utterances of a step beyond which training is known to suffer, unless told otherwise.
  package static let defaultMaximumGlobalBatch = 384

  /// Seconds of a checkpoint of a model with so many numbers: weights and moments at 200 MB/s.
  package static func checkpointSeconds(parameterCount: Int) -> Double {
    Double(12 * parameterCount) / 200e6
  }
}

/// Forecasts steps and epochs at numbers of ranks that nobody has measured.
package struct ScalingSimulator: Sendable {
  /// What costs most of what perfect scaling would not cost.
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
    /// T(1)/T(n) with the same batch per rank.
    package let weakEfficiency: Double
    /// T(1)/(n·T(n)) with the same global batch.
    package let strongEfficiency: Double
    package let stepsPerEpoch: Int
    package let epochSeconds: Double
    package let validationSeconds: Double
    package let checkpointSeconds: Double
    package let mainLoss: Loss
    /// Its share of the epoch.
    package let mainLossShare: Double
    /// The way to add up gradients that would be fastest, and its seconds for all of them at once.
    package let fastest: AllReduceAlgorithm
    package let fastestSeconds: Double
    /// Whether the global batch is larger than it should be.
    package let isBatchTooLarge: Bool
    /// Whether ranks share cores.
    package let oversubscribed: Bool
    package let throughput: AblationThroughput
  }

  package let step: StepModel
  package let cluster: SimulatedCluster
  package let epoch: SimulatedEpoch
  /// Utterances of a rank.
  package let batch: Int
  /// Utterances of all ranks for strong scaling.
  package let globalBatch: Int

  /// Puts the parts together.
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
    let steps = epoch.plan.stepsPerEpoch(globalBatch: together)
    let training = Double(steps) * forecast.seconds
    let rounds = (epoch.validationUtterances + ranks - 1) / ranks
    let validation = Double(rounds) * epoch.validationSeconds * load
    // Before validation and after it, and in between.
    let saves = 2 + ((training + validation) / epoch.checkpointInterval).rounded(.down)
    let checkpoint = saves * epoch.checkpointSeconds
    let seconds = training + validation + checkpoint

    let count = Double(steps)
    let idle = Double(max(0, steps * together - epoch.plan.utterances)) / Double(together)
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
      throughput: epoch.plan.throughput(ranks: ranks, epochSeconds: seconds))
  }
}
