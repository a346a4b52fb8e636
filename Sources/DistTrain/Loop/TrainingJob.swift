import Communication
import Corpora
import Files
import Foundation
import Platform
import RunFiles
import Tensor

/// What a training job is asked to do, besides its recipe.
public struct TrainingRequest: Sendable {
  /// The recipe.
  public var configuration: TrainingConfiguration
  /// The corpus: a folder or a packed file.
  public var data: String
  /// Folder of each host to copy a packed file to; nil to read it where it is.
  public var stage: String?
  /// Where outputs go.
  public var runFolder: RunFolder
  /// Whether to continue the run in that folder.
  public var resumes = false
  /// What to do about unusable files.
  public var onBadFile = OnBadFile.stop
  /// VoiceBank-DEMAND's speakers kept for validation.
  public var validationSpeakers = PairedDataset.voiceBankValidationSpeakers
  /// Validate on this many utterances, spread over the split; nil for all.
  public var validationCount: Int?
  /// Whether to validate beside the training of the next epoch.
  public var validatesAsynchronously = false
  /// Stop and save after this many steps of the run.
  public var stepLimit: Int?
  /// When else to save and to stop.
  public var saving = SavingRequest()
  /// Threads of each rank.
  public var threads = 1
  /// Whether blocks keep only their inputs and compute the rest again in backward.
  public var recomputes = false
  /// How gradients travel between the ranks.
  public var exchange = ExchangeSettings()
  /// What to trace; nil for nothing.
  public var trace: TraceRequest?
  /// Whether to write event files for TensorBoard too.
  public var writesTensorBoard = false
  /// What to do about steps that are not finite.
  public var nonFinite = NonFinitePolicy()
  /// What spoils steps on purpose.
  package var hooks = StepHooks()

  /// A request with everything else at its default.
  public init(configuration: TrainingConfiguration, data: String, runFolder: RunFolder) {
    self.configuration = configuration
    self.data = data
    self.runFolder = runFolder
  }
}

/// One training job on one rank: from the request to the finished run.
public struct TrainingJob {
  private let request: TrainingRequest
  private let communicator: any Communicator
  private let root: RootDecision

  /// A job on the ranks of `communicator`.
  public init(_ request: TrainingRequest, over communicator: any Communicator) {
    self.request = request
    self.communicator = communicator
    root = RootDecision(communicator)
  }

  /// Prepares the run, says what it is, and trains.
  @discardableResult
  public func run() throws -> TrainingRun.End {
    let configuration = request.configuration
    let folder = request.runFolder
    request.saving.stopSignals.catchAll()
    let end = communicator.isRoot ? jobEnd() : nil
    try requireTraceFile()
    let store = CheckpointStore(folder, keep: request.saving.keep, fault: request.saving.fault)
    let state = TrainingState(configuration)
    // Rank 0 looks at disks and decides; a failure there reaches all before anything starts.
    communicator.enter(.resuming)
    let found = try resumePoint(store, state)
    communicator.enter(.staging)
    let place = try Staging(over: communicator, log: RunLog(rank: communicator.rank))
      .path(of: request.data, in: request.stage)
    communicator.enter(.readingCorpus)
    let train = try dataset(.train).reading(from: place)
    let valid = spread(try dataset(.valid).reading(from: place), request.validationCount)
    _ = try root.bytes {
      try folder.prepare()
      return []
    }
    communicator.enter(.resuming)
    if let found {
      try root.together { try found.checkpoint.restore(state, configuration) }
    } else {
      _ = try root.bytes {
        try AtomicFile.write(try configuration.json() + "\n", to: folder.configuration)
        return []
      }
    }
    let log = try root.together { try RunLog(rank: communicator.rank, sinks: eventSinks()) }
    communicator.enter(.starting)
    communicator.completed(step: state.progress.step)
    // Impossible settings fail on all ranks alike, before its first exchange.
    let trainer = try root.together {
      try Trainer(
        configuration, state: state, pairs: train.pairs,
        execution: Execution(threads: request.threads, recomputes: request.recomputes),
        exchange: request.exchange,
        hooks: request.saving.fault?.hooks(request.hooks, rank: communicator.rank) ?? request.hooks,
        over: communicator)
    }
    if let found { try root.together { try requirePlace(trainer, found.checkpoint.path) } }
    describe(trainer, train, valid, log)
    found?.report(to: log)
    if let end { describe(end, log) }
    let validation = try root.together {
      try Validation(
        state, pairs: valid, isAsynchronous: request.validatesAsynchronously, log: log,
        over: communicator)
    }
    let trace = request.trace.map { RunTrace($0, log: log, over: communicator) }
    let saving = RunSaving(
      store: store, interval: request.saving.interval, end: end,
      margin: request.saving.wallMargin, receivedSignal: { StopSignals.received }, log: log,
      trace: trace, over: communicator)
    let run = try root.together {
      try TrainingRun(
        trainer, folder: folder, log: log, saving: saving, validation: validation,
        policy: request.nonFinite, trace: trace, over: communicator)
    }
    let runEnd = try run.run(stepLimit: request.stepLimit)
    if runEnd == .complete { conclude(state, log) }
    return runEnd
  }

  /// Looks at everything that `run` looks at before it trains, changes nothing, and says what it
  /// would do.
  public func dryRun() throws -> [String] {
    let configuration = request.configuration
    try requireTraceFile()
    let store = CheckpointStore(request.runFolder, keep: request.saving.keep)
    let state = TrainingState(configuration)
    if let found = try resumePoint(store, state) {
      try root.together { try found.checkpoint.restore(state, configuration) }
    }
    let train = try dataset(.train)
    let valid = spread(try dataset(.valid), request.validationCount)
    let steps = Trainer.stepsPerEpoch(configuration, utterances: train.pairs.count)
    let folder = request.runFolder.url.path(percentEncoded: false)
    return [
      "\(configuration.model.title) (\(configuration.model.name)), "
        + NumberText.count(state.model.parameters.parameterCount, "parameter"),
      "data \(request.data): train \(NumberText.count(train.pairs.count, "utterance")), valid "
        + "\(valid.count)",
      "\(NumberText.count(steps, "step")) an epoch of global batch \(configuration.globalBatch), "
        + NumberText.count(configuration.epochs, "epoch"),
      "run folder \(folder), "
        + (request.resumes ? "to be continued after step \(state.progress.step)" : "new"),
    ]
  }

  /// The checkpoint to go on from; nil for a new run, once there is none in the way.
  private func resumePoint(
    _ store: CheckpointStore, _ state: TrainingState
  ) throws -> CheckpointStore.Found? {
    if request.resumes {
      return try store.find(for: state, request.configuration, over: communicator)
    }
    _ = try root.bytes {
      try store.folder.requireNoRun()
      return []
    }
    return nil
  }

  /// It would be a pity to learn at the end that there is no place for what was traced.
  private func requireTraceFile() throws {
    guard let trace = request.trace else { return }
    _ = try root.bytes {
      try trace.requireWritable(besides: request.runFolder.url)
      return []
    }
  }

  private func requirePlace(_ trainer: Trainer, _ path: String) throws(CheckpointError) {
    let step = trainer.state.progress.stepInEpoch
    if step > trainer.stepsPerEpoch {
      throw .otherSplit(path: path, step: step, stepsPerEpoch: trainer.stepsPerEpoch)
    }
  }

  /// The files of this rank that take the run's events.
  private func eventSinks() throws -> [any EventSink] {
    guard communicator.isRoot else { return [] }
    let folder = request.runFolder
    var sinks: [any EventSink] = [try MetricsFile(url: folder.metrics)]
    if request.writesTensorBoard {
      let text = try request.configuration.json()
      sinks.append(try TensorBoardFile(in: folder.file(.tensorBoard), configuration: text))
    }
    return sinks
  }

  private func jobEnd() -> JobEnd? {
    JobEnd.find(
      wallTime: request.saving.wallTime, startedAt: request.saving.startedAt,
      environment: ProcessInfo.processInfo.environment)
  }

  private func describe(_ end: JobEnd, _ log: RunLog) {
    let left = end.uptime - ProcessInfo.processInfo.systemUptime
    log.line("time left: \(TimeSpan.text(left)) (\(end.origin)); saves and stops before")
  }

  private func dataset(_ split: CorpusSplit) throws -> SharedDataset {
    try root.dataset(
      data: request.data, split: split, onBadFile: request.onBadFile,
      validationSpeakers: request.validationSpeakers)
  }

  private func spread(_ found: SharedDataset, _ count: Int?) -> [UtterancePair] {
    guard let count, count < found.pairs.count else { return found.pairs }
    return (0..<count).map { found.pairs[$0 * found.pairs.count / count] }
  }

  private func describe(
    _ trainer: Trainer, _ train: SharedDataset, _ valid: [UtterancePair], _ log: RunLog
  ) {
    let configuration = request.configuration
    let state = trainer.state
    let folder = request.runFolder.url.path(percentEncoded: false)
    func minutes(_ pairs: [UtterancePair]) -> String {
      let samples = pairs.reduce(0) { $0 + $1.sampleCount }
      return String(format: "%.1f min", Double(samples) / 16_000 / 60)
    }
    log.line(
      "\(Program.nameAndVersion): \(configuration.model.title) (\(configuration.model.name)), "
        + NumberText.count(state.model.parameters.parameterCount, "parameter")
        + ", \(kernels.instructionSet) kernels")
    log.line(
      "ranks \(communicator.worldSize), batch \(configuration.batch)"
        + (configuration.accumulate > 1 ? " × \(configuration.accumulate) accumulated" : "")
        + " per rank, global batch \(configuration.globalBatch), crops of "
        + "\(configuration.cropSeconds) s"
        + (request.threads > 1 ? ", \(request.threads) threads per rank" : "")
        + (request.recomputes ? ", activations recomputed" : ""))
    let cores = ProcessInfo.processInfo.activeProcessorCount
    if request.threads > cores {
      log.warning(
        "--threads \(request.threads), but a rank here may use only "
          + "\(NumberText.count(cores, "core")): threads will wait for each other; give each rank its "
          + "cores (mpirun --map-by slot:PE=\(request.threads), srun "
          + "--cpus-per-task=\(request.threads)) or lower --threads")
    }
    log.line(
      "data \(request.data): train \(NumberText.count(train.pairs.count, "utterance")) "
        + "(\(minutes(train.pairs))), valid \(valid.count) (\(minutes(valid)))"
        + (request.validatesAsynchronously ? ", validated beside training" : ""))
    for file in train.skipped { log.warning("left out: \(file)") }
    if let fault = request.saving.fault {
      log.warning(
        "a fault is injected on purpose (\(FaultInjection.variable)=\(fault)); unset the variable "
          + "for a real run")
    }
    log.line(
      "\(NumberText.count(trainer.stepsPerEpoch, "step")) an epoch, "
        + NumberText.count(configuration.epochs, "epoch") + ", rate "
        + "\(configuration.learningRate) (\(configuration.schedule.rawValue), warm-up "
        + "\(configuration.warmupSteps)), clip \(configuration.clip), averaging "
        + "\(configuration.averageDecay.map { "\($0)" } ?? "off"), seed \(configuration.seed)")
    log.line(
      request.resumes
        ? "run folder \(folder), continued after step \(state.progress.step)"
        : "run folder \(folder)")
    log.append(
      .start(
        .init(
          step: state.progress.step, program: Program.nameAndVersion,
          model: configuration.model.name, ranks: communicator.worldSize,
          kernels: kernels.instructionSet, data: request.data,
          corpus: CorpusName.of(train.pairs) ?? "another", epochs: configuration.epochs,
          stepsPerEpoch: trainer.stepsPerEpoch,
          audioSecondsPerStep: Double(configuration.globalBatch) * configuration.cropSeconds)))
  }

  private func conclude(_ state: TrainingState, _ log: RunLog) {
    let progress = state.progress
    if progress.skippedSteps > 0 {
      let were = NumberText.agree(progress.skippedSteps, "was", "were")
      log.warning(
        progress.rollbacks == 0
          ? "\(progress.skippedSteps) of \(NumberText.count(progress.step, "step")) \(were) skipped"
          : "\(NumberText.count(progress.skippedSteps, "step")) \(were) skipped, and the run went back "
            + NumberText.count(progress.rollbacks, "time")
            + ", to a learning rate × \(progress.rateFactor)")
    }
    let best = request.runFolder.best.path(percentEncoded: false)
    if let score = progress.bestScore, let epoch = progress.bestEpoch {
      log.line("best \(String(format: "%.4f", score)) in epoch \(epoch): \(best)")
    } else {
      log.warning("no validation utterance could be scored, so there are no best weights")
    }
  }
}
