import Checkpoints
import Communication
import Corpora
import Files
import Foundation
import Loading
import Metrics
import Models
import Platform
import Recipes
import RunFiles
import Tensor
import Tracing

/// One training job on one rank: from the request to the finished run.
public struct TrainingJob {
  let request: TrainingRequest
  let communicator: any Communicator
  let root: RootDecision

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
  struct Ground {
    let place: TrainingPlace
    /// The recipe, with the weights that the run started from.
    let configuration: TrainingConfiguration
    let store: CheckpointStore
    let state: TrainingState
    /// The checkpoint that the state is restored from; nil for a new run.
    let found: CheckpointStore.Found?
    let utterances: RunUtterances
    /// Lines about the weights that a new run starts from.
    let start: [String]
    /// Differences to the checkpoint, or to the file that the run starts from, that the user has to
    /// know of.
    let warnings: [String]
    let log: RunLog
  }

  /// Finds checkpoint and corpus, restores the state and opens the files. A failure there reaches
  /// all ranks before anything is written.
  private func prepare(_ place: TrainingPlace) throws -> Ground {
    let folder = request.runFolder
    let store = CheckpointStore(folder, keep: request.saving.keep, fault: request.fault)
    let state = TrainingState(request.configuration)
    let quietLog = RunLog(rank: communicator.rank, sinks: [])
    communicator.enter(.resuming)
    let found = try resumePoint(store, state, quietLog)
    let (configuration, start) = try start(state, found)
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
      try place.writeConfiguration(configuration)
      try utterances.remember(in: folder)
    }
    var warnings =
      start.warnings + utterances.adopt(state, epochs: configuration.epochs)
    if let change = try adoptRule(configuration, state) { warnings.append(change) }
    warnings += try staleMeans(configuration, state)
    let log = try root.together { try RunLog(rank: communicator.rank, sinks: eventSinks()) }
    return Ground(
      place: place, configuration: configuration, store: store, state: state, found: found,
      utterances: utterances, start: start.lines, warnings: warnings, log: log)
  }

  /// Makes the rule for the best epoch that of a run that is resumed and not yet over. Returns what
  /// to warn of where it was another one.
  private func adoptRule(
    _ configuration: TrainingConfiguration, _ state: TrainingState
  ) throws -> String? {
    let last = state.progress.validatedEpochs
    guard last > 0, last < configuration.epochs else { return nil }
    let change = state.progress.select(by: SelectionMeaning(configuration), epoch: last + 1)
    if change != nil {
      try root.run {
        var history = try HistoryCSV(url: request.runFolder.history, resumingAfter: last)
        try history.forgetSelection()
      }
    }
    return change
  }

  /// Sentences about means of best epochs that the rest of the run will not write anew.
  private func staleMeans(
    _ configuration: TrainingConfiguration, _ state: TrainingState
  ) throws -> [String] {
    guard request.resumes, state.progress.validatedEpochs < configuration.epochs else { return [] }
    let folder = request.runFolder
    return try root.value {
      folder.means.filter { $0 != configuration.recipe.averageBest }.map { count in
        "\(folder.mean(ofBest: count).path(percentEncoded: false)) stays as it is: it is the mean "
          + "of epochs until now, and --average-best is "
          + (configuration.recipe.averageBest.map { "\($0)" } ?? "not given") + " from here on"
      }
    }
  }

  /// Takes the weights of the file that a new run starts from, and returns the recipe with a record
  /// of it, as a run that is resumed has it, too. Refuses another file for such a run.
  private func start(
    _ state: TrainingState, _ found: CheckpointStore.Found?
  ) throws -> (configuration: TrainingConfiguration, start: (lines: [String], warnings: [String])) {
    var configuration = request.configuration
    if let found {
      let known = found.checkpoint.configuration.initialization
      configuration.initialization = known
      guard let start = request.start else { return (configuration, ([], [])) }
      if let warning = try root.require(start, isThatOf: known) {
        return (configuration, ([], [warning]))
      }
      let line = "--init \(start.path): as at the start of the run; nothing is taken from it now"
      return (configuration, ([line], []))
    }
    guard let asked = request.start else { return (configuration, ([], [])) }
    let start = try root.run(from: asked, state.model)
    configuration.initialization = start.initialization
    return (configuration, (start.lines, start.warnings))
  }

  /// Makes the parts of the run and describes them. Impossible settings fail on all ranks alike,
  /// before the first exchange.
  private func build(_ ground: Ground, _ end: JobEnd?) throws -> TrainingLoop {
    let log = ground.log
    communicator.enter(.starting)
    communicator.completed(step: ground.state.progress.step)
    let trainer = try root.together {
      try Trainer(
        ground.configuration, state: ground.state, pairs: ground.utterances.train.pairs,
        onBadFile: request.corpus.onBadFile,
        execution: Execution(threads: request.threads, recomputes: request.recomputes),
        exchange: request.exchange,
        hooks: request.fault?.hooks(rank: communicator.rank) ?? StepHooks(), over: communicator)
    }
    describe(trainer, ground.utterances, log)
    for line in ground.start { log.line(line) }
    ground.found?.report(to: log)
    ground.place.report(to: log)
    for warning in (request.recipe?.notes ?? []) + ground.warnings { log.warning(warning) }
    if let end { describe(end, log) }
    let validation = try root.together {
      try Validation(
        ground.state, pairs: ground.utterances.validated,
        losses: request.configuration.recipe.losses, onBadFile: request.corpus.onBadFile,
        metrics: request.configuration.selection.metrics,
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
    let place = try claimFolder()
    defer { place.release() }
    let store = CheckpointStore(request.runFolder, keep: request.saving.keep)
    let state = TrainingState(request.configuration)
    let found = try resumePoint(store, state, RunLog(rank: communicator.rank, sinks: []))
    let (configuration, start) = try start(state, found)
    if let found { try root.together { try found.checkpoint.restore(state, configuration) } }
    if request.corpus.stage != nil { try root.run { try Staging.requireFile(request.corpus.data) } }
    var utterances = try RunUtterances(
      request, readFrom: request.corpus.data, over: communicator)
    let count = utterances.train.pairs.count
    try requirePossible(found, utterances: count)
    let skipped = utterances.train.skipped.map { "left out: \($0)" }
    let duel = state.adversarial.flatMap { configuration.discriminatorText($0) }
    let warnings =
      start.warnings + skipped + utterances.adopt(state, epochs: configuration.epochs)
      + [duel?.warning].compactMap { $0 }
    let steps = UtteranceOrder.stepsPerEpoch(configuration, utterances: count)
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
    ] + [duel?.line].compactMap { $0 } + start.lines + batchLines(steps: steps).map { $0.text }
      + (request.recipe?.lines ?? [])
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
      let place = TrainingPlace(request)
      guard try store.folder.isBegun && place.isOfSameRecipe() else { return false }
      try place.requireStart()
      return true
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
    let steps = UtteranceOrder.stepsPerEpoch(configuration, utterances: utterances)
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

  /// Impossible crops, an undefined rule for the best epoch and unknown parameters are errors of
  /// the command line, before there is a run.
  private func requireFrontEnd() throws {
    let configuration = request.configuration
    try root.run {
      try configuration.model.requireFrontEnd(cropSeconds: configuration.cropSeconds)
      try configuration.selection.requireDefined(
        sampleRate: configuration.model.frontEnd.sampleRate)
      _ = try FrozenParameters(
        configuration.frozen, of: SpeechEnhancer(layout: configuration.model).parameters)
      try configuration.requireJudgeable()
      try request.fault?.check(configuration)
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
}
