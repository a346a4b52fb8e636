import Checkpoints
import Communication
import Corpora
import Files
import Foundation
import Metrics
import Platform
import Recipes
import RunFiles
import Tensor
import Tracing

/// One training job on one rank: from the request to the finished run.
public struct TrainingJob {
  private let request: TrainingRequest
  private let communicator: any Communicator
  private let root: RootDecision

  /// This rank's part of the job; every rank of `communicator` makes one of an equal request.
  public init(_ request: TrainingRequest, over communicator: any Communicator) {
    self.request = request
    self.communicator = communicator
    root = RootDecision(communicator)
  }

  /// Prepares the run, says what it is, and trains. All ranks call it together.
  ///
  /// - Throws: `RootFailure` on all ranks for everything that is found before training.
  @discardableResult
  public func run() throws -> TrainingLoop.End {
    request.saving.stopSignals.catchAll()
    let end = communicator.isRoot ? jobEnd() : nil
    let place = try claimFolder()
    defer { place.release() }
    let ground = try prepare(place)
    defer { ground.log.reportLostLines() }
    let run = try build(ground, end)
    let runEnd = try run.run()
    if runEnd == .complete { try conclude(ground) }
    return runEnd
  }

  /// State, data and files of a run before its first step.
  private struct Ground {
    let place: TrainingPlace
    let store: CheckpointStore
    let state: TrainingState
    /// The checkpoint that the state is restored from; nil for a new run.
    let found: CheckpointStore.Found?
    let utterances: RunUtterances
    /// Differences to the checkpoint that the user has to know of.
    let warnings: [String]
    let log: RunLog
  }

  /// Finds checkpoint and corpus, restores the state and opens the files. A failure there reaches
  /// all ranks before anything is written.
  private func prepare(_ place: TrainingPlace) throws -> Ground {
    let configuration = request.configuration
    let folder = request.runFolder
    let store = CheckpointStore(folder, keep: request.saving.keep, fault: request.fault)
    let state = TrainingState(configuration)
    let quietLog = RunLog(rank: communicator.rank, sinks: [])
    communicator.enter(.resuming)
    let found = try resumePoint(store, state, quietLog)
    communicator.enter(.staging)
    let data = try Staging(over: communicator, log: quietLog)
      .path(of: request.corpus.data, in: request.corpus.stage)
    communicator.enter(.readingCorpus)
    var utterances = try RunUtterances(request, readFrom: data, over: communicator)
    communicator.enter(.resuming)
    try requirePossible(found, utterances: utterances.train.pairs.count)
    if let found { try root.together { try found.checkpoint.restore(state, configuration) } }
    try root.run {
      try folder.prepare()
      try utterances.remember(in: folder)
      try place.writeConfiguration(configuration)
    }
    let warnings = utterances.adopt(state, epochs: configuration.epochs)
    let log = try root.together { try RunLog(rank: communicator.rank, sinks: eventSinks()) }
    return Ground(
      place: place, store: store, state: state, found: found, utterances: utterances,
      warnings: warnings, log: log)
  }

  /// Makes the parts of the run and describes them. Impossible settings fail on all ranks alike,
  /// before the first exchange.
  private func build(_ ground: Ground, _ end: JobEnd?) throws -> TrainingLoop {
    let log = ground.log
    communicator.enter(.starting)
    communicator.completed(step: ground.state.progress.step)
    let trainer = try root.together {
      try Trainer(
        request.configuration, state: ground.state, pairs: ground.utterances.train.pairs,
        onBadFile: request.corpus.onBadFile,
        execution: Execution(threads: request.threads, recomputes: request.recomputes),
        exchange: request.exchange,
        hooks: request.fault?.hooks(rank: communicator.rank) ?? StepHooks(), over: communicator)
    }
    describe(trainer, ground.utterances, log)
    ground.found?.report(to: log)
    ground.place.report(to: log)
    for warning in (request.recipe?.notes ?? []) + ground.warnings { log.warning(warning) }
    if let end { describe(end, log) }
    let validation = try root.together {
      try Validation(
        ground.state, pairs: ground.utterances.validated,
        losses: request.configuration.recipe.losses,
        onBadFile: request.corpus.onBadFile,
        isAsynchronous: request.validation.isBesideTraining,
        log: log, over: communicator)
    }
    let trace = request.trace.map { RunTrace($0, log: log, over: communicator) }
    let saving = RunSaving(
      store: ground.store, interval: request.saving.interval, end: end,
      margin: request.saving.wallMargin, receivedSignal: { StopSignals.received },
      confirmOwner: ground.place.confirm, log: log, trace: trace, over: communicator)
    return try root.together {
      try TrainingLoop(
        trainer, folder: request.runFolder, log: log, saving: saving, validation: validation,
        nonFinite: request.nonFinite, stepLimit: request.stepLimit, trace: trace,
        over: communicator)
    }
  }

  /// Looks at everything that `run` looks at before it trains, with the same errors, leaves nothing
  /// changed, and says what it would do.
  public func dryRun() throws -> [String] {
    let configuration = request.configuration
    let place = try claimFolder()
    defer { place.release() }
    let store = CheckpointStore(request.runFolder, keep: request.saving.keep)
    let state = TrainingState(configuration)
    let found = try resumePoint(store, state, RunLog(rank: communicator.rank, sinks: []))
    if let found { try root.together { try found.checkpoint.restore(state, configuration) } }
    if request.corpus.stage != nil { try root.run { try Staging.requireFile(request.corpus.data) } }
    var utterances = try RunUtterances(
      request, readFrom: request.corpus.data, over: communicator)
    let count = utterances.train.pairs.count
    try requirePossible(found, utterances: count)
    let skipped = utterances.train.skipped.map { "left out: \($0)" }
    let warnings = skipped + utterances.adopt(state, epochs: configuration.epochs)
    let steps = Trainer.stepsPerEpoch(configuration, utterances: count)
    let folder = request.runFolder.url.path(percentEncoded: false)
    return [
      "\(configuration.model.title) (\(configuration.model.name)), "
        + NumberText.count(state.model.parameters.parameterCount, "parameter"),
      "data \(request.corpus.data): train \(NumberText.count(count, "utterance")), "
        + "valid \(utterances.validated.count)",
      "\(NumberText.count(steps, "step")) an epoch of global batch \(configuration.globalBatch), "
        + NumberText.count(configuration.epochs, "epoch"),
      "run folder \(folder), "
        + (request.resumes ? "to be continued after step \(state.progress.step)" : "new"),
    ] + batchLines(steps: steps).map { $0.text } + (request.recipe?.lines ?? [])
      + ((request.recipe?.notes ?? []) + warnings).map { "warning: \($0)" }
  }

  /// Makes the run folder this job's own, once nothing in the options speaks against the run.
  private func claimFolder() throws -> TrainingPlace {
    try requireFrontEnd()
    try requireTrainable()
    try requireTraceFile()
    communicator.enter(.resuming)
    let place = TrainingPlace(request)
    do {
      try root.run {
        try place.claim(log: RunLog(rank: communicator.rank, sinks: []))
        if !request.resumes { try request.runFolder.requireNoRun() }
        try place.requireWritable()
      }
    } catch {
      place.release()
      throw error
    }
    return place
  }

  /// The checkpoint to go on from; nil for a run that begins, once there is none in the way.
  private func resumePoint(
    _ store: CheckpointStore, _ state: TrainingState, _ log: RunLog
  ) throws -> CheckpointStore.Found? {
    guard request.resumes else { return nil }
    let beginsAgain = try root.value {
      try store.folder.isBegun && TrainingPlace(request).isOfSameRecipe()
    }
    if beginsAgain {
      log.line("the run in the folder has saved nothing yet, and begins again")
      return nil
    }
    return try store.find(for: state, request.configuration, over: communicator)
  }

  /// Throws if the run cannot be: a schedule longer than the run, or a checkpoint that does not fit
  /// to the split or the options. Before anything is written.
  private func requirePossible(_ found: CheckpointStore.Found?, utterances: Int) throws {
    let configuration = request.configuration
    let steps = Trainer.stepsPerEpoch(configuration, utterances: utterances)
    try root.run {
      _ = try Trainer.schedule(configuration, stepsPerEpoch: steps)
      guard let found else { return }
      let progress = found.checkpoint.progress
      if progress.stepInEpoch > steps {
        throw CheckpointError.otherSplit(
          path: found.checkpoint.path, step: progress.stepInEpoch, stepsPerEpoch: steps)
      }
      let begun = progress.epoch + (progress.stepInEpoch > 0 ? 1 : 0)
      if configuration.epochs < begun {
        throw CheckpointError.fewerEpochs(
          path: found.checkpoint.path, begun: begun, asked: configuration.epochs)
      }
      _ = try HistoryCSV(
        url: request.runFolder.history, resumingAfter: progress.validatedEpochs)
    }
  }

  /// Impossible crops are an error of the command line, before there is a run.
  private func requireFrontEnd() throws {
    let configuration = request.configuration
    try root.run {
      try configuration.model.requireFrontEnd(cropSeconds: configuration.cropSeconds)
      try configuration.requireJudgeable()
    }
  }

  /// Recipes that ask for what the run cannot do are refused before there is a run.
  private func requireTrainable() throws {
    try root.run {
      try TrainingRecipeError.check(
        request.configuration, validatesBesideTraining: request.validation.isBesideTraining)
    }
  }

  /// It would be a pity to learn at the end that there is no place for what was traced.
  private func requireTraceFile() throws {
    guard let trace = request.trace else { return }
    try root.run { try trace.requireWritable(besides: request.runFolder.url) }
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

  private func describe(
    _ trainer: Trainer, _ utterances: RunUtterances, _ log: RunLog
  ) {
    let (train, valid) = (utterances.train, utterances.validated)
    let configuration = request.configuration
    let state = trainer.state
    let folder = request.runFolder.url.path(percentEncoded: false)
    let frontEnd = configuration.model.frontEnd
    func minutes(_ samples: Int) -> String {
      String(format: "%.1f min", frontEnd.seconds(sampleCount: samples) / 60)
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
          + "\(NumberText.count(cores, "core")): threads will wait for each other; give each rank "
          + "its cores (mpirun --map-by slot:PE=\(request.threads), srun "
          + "--cpus-per-task=\(request.threads)) or lower --threads")
    }
    log.line(
      "data \(request.corpus.data): train \(NumberText.count(train.pairs.count, "utterance")) "
        + "(\(minutes(train.pairs.sampleCount))), valid \(valid.count) "
        + "(\(minutes(valid.reduce(0) { $0 + $1.sampleCount })))"
        + (request.validation.isBesideTraining ? ", validated beside training" : ""))
    if !ScoreColumn.pesqWB.isDefined(sampleRate: frontEnd.sampleRate) {
      log.line(
        "the best weights are those with the highest SI-SDR: pesq_wb is defined at "
          + "\(PESQ.sampleRate) Hz only, and the model takes \(frontEnd.sampleRate) Hz")
    }
    if let headers = utterances.headers { log.line(headers) }
    for file in train.skipped { log.warning("left out: \(file)") }
    if let fault = request.fault {
      log.warning(
        "a fault is injected on purpose (\(FaultInjection.variable)=\(fault)); unset the variable "
          + "for a real run")
    }
    log.line(
      "\(NumberText.count(trainer.stepsPerEpoch, "step")) an epoch, "
        + NumberText.count(configuration.epochs, "epoch") + ", rate "
        + "\(configuration.learningRate) (\(configuration.schedule.rawValue), warm-up "
        + "\(trainer.schedule.warmupSteps)), clip "
        + "\(configuration.clip.map { "\($0)" } ?? "none"), averaging "
        + "\(configuration.averageDecay.map { "\($0)" } ?? "off"), seed \(configuration.seed)")
    if let adversarial = state.adversarial,
      let text = configuration.discriminatorText(adversarial)
    {
      log.line(text.line)
      if let warning = text.warning { log.warning(warning) }
    }
    if let name = request.recipe?.name {
      log.line("recipe \(name), resolved in \(request.runFolder.file(.recipe).lastPathComponent)")
    }
    for line in batchLines(steps: trainer.stepsPerEpoch) {
      line.isWarning ? log.warning(line.text) : log.line(line.text)
    }
    log.line(
      request.resumes
        ? "run folder \(folder), continued after step \(state.progress.step)"
        : "run folder \(folder)")
    log.append(
      .start(
        .init(
          step: state.progress.step, program: Program.nameAndVersion,
          model: configuration.model.name, ranks: communicator.worldSize,
          kernels: kernels.instructionSet, data: request.corpus.data,
          corpus: CorpusName.of(train.pairs) ?? "another", epochs: configuration.epochs,
          stepsPerEpoch: trainer.stepsPerEpoch,
          audioSecondsPerStep: Double(configuration.globalBatch) * configuration.cropSeconds)))
  }

  /// How the global batch differs from the recipe's, and what follows for the rate.
  private func batchLines(steps: Int) -> [(text: String, isWarning: Bool)] {
    let configuration = request.configuration
    guard let meant = configuration.recipe.globalBatch, meant != configuration.globalBatch else {
      return []
    }
    let (base, rate) = (configuration.recipe.learningRate, configuration.learningRate)
    let scaling = configuration.recipe.scaling
    let factor = NumberText.setting(configuration.batchFactor)
    let difference =
      "the global batch \(configuration.globalBatch) is \(factor) × the recipe's \(meant)"
    guard scaling != .none else { return [(difference + "; the rate stays \(rate)", false)] }
    let changed =
      difference + "; scaling \(scaling.rawValue) takes the rate from \(base) to \(rate)"
    let isSudden =
      rate > base && configuration.recipe.warmup.steps(perEpoch: steps) == 0
    return [
      isSudden ? (changed + " without a warm-up; give --warmup", true) : (changed, false)
    ]
  }

  /// Reports the result of a complete run.
  ///
  /// - Throws: `RootFailure` on all ranks if nobody should use it.
  private func conclude(_ ground: Ground) throws {
    let log = ground.log
    let progress = ground.state.progress
    if progress.skippedSteps > 0 {
      let were = NumberText.agree(progress.skippedSteps, "was", "were")
      log.warning(
        progress.rollbacks == 0
          ? "\(progress.skippedSteps) of \(NumberText.count(progress.step, "step")) \(were) skipped"
          : "\(NumberText.count(progress.skippedSteps, "step")) \(were) skipped, and the run went "
            + "back " + NumberText.count(progress.rollbacks, "time")
            + ", to a learning rate × \(progress.rateFactor)")
    }
    let best = request.runFolder.best.path(percentEncoded: false)
    if let score = progress.bestScore, let epoch = progress.bestEpoch {
      let rate = request.configuration.model.frontEnd.sampleRate
      let text =
        ScoreColumn.pesqWB.isDefined(sampleRate: rate)
        ? String(format: "%.4f", score) : String(format: "SI-SDR %.2f dB", score)
      log.line("best \(text) in epoch \(epoch): \(best)")
    }
    let steps = Trainer.stepsPerEpoch(
      request.configuration, utterances: ground.utterances.train.pairs.count)
    try root.run {
      try RunResultError.require(progress, request.runFolder, stepsPerEpoch: steps)
    }
  }
}
