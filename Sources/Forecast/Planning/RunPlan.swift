import DistTrain
import Platform
import Recipes

/// The forecast of a run's time and memory, from the model of `bench simulate` and a calibration.
/// Times are in seconds.
package struct RunPlan: Encodable, Equatable, Sendable {
  package let preset: String
  package let parameterCount: Int
  package let nodes: Int
  package let ranksPerNode: Int
  package let ranks: Int
  package let threads: Int
  package let recompute: Bool
  package let network: NetworkModel
  /// Source of the measured figures, and the processor that they were measured on.
  package let calibration: String
  package let processor: String
  package let jitter: Double

  package let corpus: CorpusSize
  package let batch: Int
  package let accumulate: Int
  /// Number of utterances per step.
  package let globalBatch: Int
  package let epochs: Int
  package let stepsPerEpoch: Int
  /// Number of utterances in the last step of an epoch.
  package let lastStepUtterances: Int

  package let memory: MemoryEstimate
  package let memoryPerNode: Int
  package let isMemoryOfThisMachine: Bool

  package let step: StepForecast
  package let stepSeconds: Double
  package let audioSecondsPerSecond: Double
  /// Durations of the training and of the validation of an epoch.
  package let trainingSeconds: Double
  package let validationSeconds: Double
  package let checkpointSeconds: Double
  package let epochSeconds: Double
  /// Duration of all epochs.
  package let runSeconds: Double
  /// Time limit of a job, if there is one.
  package let wallTime: Double?
  /// Number of successive jobs that the run takes.
  package let jobs: Int
  /// Core hours of the whole run.
  package let coreHours: Double

  /// Throughput of a rank over that of one rank alone with the same utterances per rank.
  package let weakEfficiency: Double
  /// Throughput of a rank over that of one rank alone with the whole global batch.
  package let strongEfficiency: Double
  /// The largest loss besides computing, and its share of an epoch.
  package let mainLoss: ScalingSimulator.Loss
  package let mainLossShare: Double

  package let warnings: [PlanWarning]

  /// Plans `request`.
  ///
  /// - Throws: `PlanError` if `calibration` measured other steps, or a job has no time for a step.
  package init(_ request: PlanRequest, _ calibration: PlanCalibration) throws(PlanError) {
    try calibration.verify(request)
    let configuration = request.configuration
    let memory = MemoryEstimate(request, calibration)
    let jitter = request.jitter ?? calibration.jitter ?? SimulatedCluster.defaultJitter
    let row = Self.simulator(request, calibration, memory, jitter).row(ranks: request.ranks)

    preset = configuration.model.name
    parameterCount = request.parameterCount
    nodes = request.nodes
    ranksPerNode = request.ranksPerNode
    ranks = request.ranks
    threads = request.threads
    recompute = request.recomputes
    network = request.nodes == 1 ? request.cost.shared : request.cost.network
    self.calibration = calibration.origin
    processor = calibration.processor
    self.jitter = jitter
    corpus = request.corpus
    batch = configuration.batch
    accumulate = configuration.accumulate
    globalBatch = row.globalBatch
    epochs = configuration.epochs
    stepsPerEpoch = row.stepsPerEpoch
    lastStepUtterances = min(
      row.globalBatch,
      request.corpus.trainingUtterances - (row.stepsPerEpoch - 1) * row.globalBatch)
    self.memory = memory
    memoryPerNode = request.memoryPerNode
    isMemoryOfThisMachine = request.isMemoryOfThisMachine
    step = row.step
    stepSeconds = row.stepSeconds
    audioSecondsPerSecond = row.audioSecondsPerSecond
    trainingSeconds = Double(row.stepsPerEpoch) * row.stepSeconds
    validationSeconds = row.validationSeconds
    checkpointSeconds = row.checkpointSeconds
    epochSeconds = row.epochSeconds
    runSeconds = row.throughput.secondsEach
    wallTime = request.wallTime
    jobs = try Self.jobs(
      request, step: row.stepSeconds,
      save: SimulatedEpoch.checkpointSeconds(parameterCount: calibration.step.parameterCount),
      run: runSeconds)
    coreHours = Double(request.ranks * request.threads) * runSeconds / 3600
    weakEfficiency = row.weakEfficiency
    strongEfficiency = row.strongEfficiency
    mainLoss = row.mainLoss
    mainLossShare = row.mainLossShare
    warnings = Self.warnings(request, calibration, memory, row)
  }

  private static func simulator(
    _ request: PlanRequest, _ calibration: PlanCalibration, _ memory: MemoryEstimate,
    _ jitter: Double
  ) -> ScalingSimulator {
    let configuration = request.configuration
    let corpus = request.corpus
    let cluster = SimulatedCluster(
      cost: request.cost, ranksPerHost: request.ranksPerNode, coresPerHost: request.coresPerNode,
      jitter: jitter, elementBytes: request.exchange.wire.byteCount,
      bucketBytes: request.exchange.bucketBytes, overlaps: request.exchange.overlaps,
      sideBySide: memory.utterancesSideBySide)
    let epoch = SimulatedEpoch(
      series: TrainingSeries(
        utterances: corpus.trainingUtterances, epochs: configuration.epochs, models: 1,
        stepLimit: configuration.stepsPerEpoch),
      validationUtterances: corpus.validationUtterances,
      validationSeconds: calibration.scoringSecondsPerAudioSecond
        * corpus.validationUtteranceSeconds,
      checkpointSeconds: SimulatedEpoch.checkpointSeconds(
        parameterCount: calibration.step.parameterCount),
      maximumGlobalBatch: request.maximumGlobalBatch)
    return ScalingSimulator(
      step: calibration.step, cluster: cluster, epoch: epoch, batch: configuration.itemsPerRank,
      globalBatch: configuration.globalBatch)
  }

  /// Number of jobs for a run; each works until it has to save before its end, and the next one
  /// continues there.
  private static func jobs(
    _ request: PlanRequest, step: Double, save: Double, run: Double
  ) throws(PlanError) -> Int {
    guard let wallTime = request.wallTime else { return 1 }
    let margin = RunClock.margin(step: step, save: save)
    guard wallTime > margin else { throw .wallTimeTooShort(seconds: wallTime, margin: margin) }
    return Int(clamped: (run / (wallTime - margin)).rounded(.up))
  }
}

extension RunPlan {
  /// The warnings about the plan, most severe first.
  private static func warnings(
    _ request: PlanRequest, _ calibration: PlanCalibration, _ memory: MemoryEstimate,
    _ row: ScalingSimulator.Row
  ) -> [PlanWarning] {
    let configuration = request.configuration
    let corpus = request.corpus
    var found: [PlanWarning] = []
    if configuration.adversary != nil {
      found.append(.discriminatorLeftOut(preset: configuration.model.name))
    }
    if memory.nodeBytes > request.memoryPerNode {
      found.append(
        .memory(
          needed: memory.nodeBytes, available: request.memoryPerNode,
          isThisMachine: request.isMemoryOfThisMachine, recomputes: request.recomputes))
    }
    if row.oversubscribed {
      found.append(
        .cores(
          threads: request.ranksPerNode * request.threads, cores: request.coresPerNode))
    }
    if row.isBatchTooLarge {
      found.append(
        .batchBeyondMaximum(
          globalBatch: row.globalBatch, maximum: request.maximumGlobalBatch, ranks: row.ranks))
    } else if row.globalBatch > PlanWarning.publishedBatch {
      found.append(
        .batchAbovePublished(
          globalBatch: row.globalBatch, hasWarmup: configuration.warmupSteps > 0,
          hasAverage: configuration.averageDecay != nil))
    } else if row.globalBatch < PlanWarning.publishedBatch {
      found.append(.batchBelowPublished(globalBatch: row.globalBatch))
    }
    let utterances = min(row.globalBatch, corpus.trainingUtterances)
    if row.ranks > utterances {
      found.append(.moreRanksThanUtterances(ranks: row.ranks, utterances: utterances))
    }
    if row.ranks > corpus.validationUtterances {
      found.append(
        .moreRanksThanValidation(ranks: row.ranks, utterances: corpus.validationUtterances))
    }
    let last = corpus.trainingUtterances - (row.stepsPerEpoch - 1) * row.globalBatch
    if 2 * last < row.globalBatch {
      found.append(
        .lastStepMostlyEmpty(
          utterances: last, globalBatch: row.globalBatch, stepsPerEpoch: row.stepsPerEpoch))
    }
    if let wallTime = request.wallTime, row.validationSeconds > wallTime {
      found.append(
        .validationBeyondWallTime(seconds: row.validationSeconds, wallTime: wallTime))
    }
    if calibration.doubt > PlanWarning.largestDoubt {
      found.append(.doubtfulCalibration(doubt: calibration.doubt))
    }
    return found
  }
}
