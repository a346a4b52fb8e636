import Checkpoints
import Communication
import Corpora
import Files
import Foundation
import Loading
import Platform
import Recipes
import RunFiles
import Tracing

/// The loop of a run: epochs of steps, each followed by validation, a log line and checkpoints.
///
/// `RunPolicy` decides what follows what; the run does it. All ranks run it; rank 0 writes, and a
/// failure there ends the run on all of them in order.
public final class TrainingLoop {
  /// The way in which a run ends.
  public enum End: Equatable, Sendable {
    /// All epochs are done.
    case complete
    /// Saved in the middle, for this reason.
    case stopped(StopReason)
  }

  private let trainer: Trainer
  private let log: RunLog
  private let communicator: any Communicator
  private let saving: RunSaving
  private let validation: Validation
  private let ending: EpochEnding
  private let stragglers: Stragglers
  private let forensics: NonFiniteForensics
  private let rollback: Rollback
  private let leftOut: LeftOut
  private let duel: DuelReport?
  private let folder: RunFolder
  private let trace: RunTrace?
  private let stepLimit: Int?
  private var policy: RunPolicy
  private var epoch: EpochUnderWay

  /// A run of `trainer`, whose state `validation` scores, up to its last epoch or to `stepLimit`
  /// steps of the run.
  package init(
    _ trainer: Trainer, folder: RunFolder, log: RunLog, saving: RunSaving, validation: Validation,
    nonFinite: NonFinitePolicy = NonFinitePolicy(), stepLimit: Int? = nil, trace: RunTrace? = nil,
    over communicator: any Communicator
  ) throws {
    self.trainer = trainer
    self.trace = trace
    self.log = log
    self.saving = saving
    self.communicator = communicator
    self.validation = validation
    self.stepLimit = stepLimit
    let dumps = NonFiniteFolder(folder, limit: nonFinite.dumpLimit)
    forensics = NonFiniteForensics(trainer, folder: dumps, log: log, over: communicator)
    rollback = Rollback(
      trainer: trainer, store: saving.store, dumps: dumps, policy: nonFinite, log: log,
      communicator: communicator)
    stragglers = Stragglers(log: log, over: communicator)
    leftOut = LeftOut(log: log, over: communicator)
    duel = DuelReport(trainer, log: log, over: communicator)
    self.folder = folder
    ending = try EpochEnding(
      trainer, folder: folder, log: log, saving: saving, over: communicator)
    policy = RunPolicy(
      epochs: trainer.configuration.epochs, stepsPerEpoch: trainer.stepsPerEpoch,
      stepLimit: stepLimit, skipLimit: nonFinite.skipLimit, interval: saving.interval,
      validatesBesideTraining: validation.isAsynchronous,
      patience: trainer.configuration.recipe.patience)
    epoch = EpochUnderWay(trainer)
  }

  private var progress: TrainingProgress { trainer.state.progress }

  /// Whether rank 0 has warned about the level of a recording.
  private var hasWarnedAboutLevel = false

  /// Trains until the epochs are done, the step limit is reached, or something asks to stop.
  @discardableResult
  public func run() throws -> End {
    do {
      let end = try follow()
      try trace?.end()
      return end
    } catch  where error is RootFailure || error is TrainingError || error is LoadingError {
      // All ranks have such a failure, and the trace may show its cause.
      if trace?.recorder != nil { try trace?.end() }
      throw error
    }
  }

  /// Follows the policy from action to action. All ranks do so together.
  private func follow() throws -> End {
    try saveStart()
    startPrefetching()
    // No thread outlives the run, whatever ends it.
    defer {
      log.endProgress()
      trainer.stopPrefetching()
      validation.giveUp()
    }
    while true {
      let action = policy.next(progress)
      // The last step of the trace's window ends with its checkpoint.
      if action != .save { try trace?.endIfFull() }
      switch action {
      case .openEpoch: openEpoch()
      case .step: policy.stepped(try step(), progress)
      case .save: try saving.save(trainer)
      case .closeEpoch: policy.closedEpoch(replicasDiffer: try closeEpoch())
      case .freezeEpoch: trainer.state.freezeEpoch(epoch.trained)
      case .beginValidation: try validation.begin()
      case .awaitValidation: policy.validated(isWhole: try awaitValidation())
      case .askRanks: policy.asked(try saving.requestsBeforeValidation())
      case .validate: policy.validated(isWhole: try validate())
      case .goBack:
        try goBack()
        policy.wentBack()
      case .stop(let cause): return .stopped(try stop(cause))
      case .complete:
        tellPatience()
        return .complete
      }
    }
  }

  /// Saves a run that starts from a file of weights before its first step: from there on it needs
  /// the file no more.
  private func saveStart() throws {
    guard trainer.configuration.initialization != nil, progress.step == 0 else { return }
    try ending.begin()
    try saving.save(trainer)
  }

  /// Says why a run is over before its last epoch.
  private func tellPatience() {
    guard progress.epoch < trainer.configuration.epochs,
      let patience = trainer.configuration.recipe.patience
    else { return }
    let place = "epoch \(progress.epoch) of \(trainer.configuration.epochs)"
    let reason = "no better epoch in \(patience)"
    log.line("ended after \(place): \(reason) (--patience \(patience))")
    log.append(.stop(.init(step: progress.step, reason: "\(reason) (--patience)")))
    if let first = trainer.configuration.firstAdversarialEpoch, first > progress.epoch {
      log.warning(
        "the generator has never used the discriminator: it would have from epoch \(first) on; "
          + "give a longer --patience or an earlier start")
    }
  }

  private func startPrefetching() {
    trainer.startPrefetching(stepCount: stepLimit.map { max(0, $0 - progress.step) })
  }

  private func openEpoch() {
    epoch = EpochUnderWay(trainer)
    log.beginProgress(
      "epoch \(epoch.number)/\(trainer.configuration.epochs)", total: trainer.stepsPerEpoch,
      completed: progress.stepInEpoch)
    stragglers.beginEpoch()
    duel?.beginEpoch()
    if trainer.usesDiscriminator(epoch: epoch.number),
      !trainer.usesDiscriminator(epoch: epoch.number - 1)
    {
      log.line("the discriminator joins the generator's loss in epoch \(epoch.number)")
    }
  }

  /// One step of the epoch under way, and all that is written about it. Returns the ranks'
  /// requests.
  private func step() throws -> StepRequests {
    let items = epoch.sampler[progress.stepInEpoch].items
    try trace?.stepBegins()
    let result = try savingOnFailure {
      try saving.timingStep {
        try trainer.step(
          items, epoch: epoch.number, trace: trace?.recorder, requests: { ownRequests })
      }
    }
    if result.leftOutCount > 0 {
      try savingOnFailure {
        try leftOut.report(
          trainer.takeLeftOut(), step: progress.step, epoch: epoch.number,
          itemCount: result.itemCount)
      }
    }
    epoch.trained.audioSeconds +=
      Double(result.itemCount) * trainer.configuration.cropSeconds
    stragglers.add(busySeconds: result.busySeconds)
    if let level = trainer.oddLevel, !hasWarnedAboutLevel {
      hasWarnedAboutLevel = true
      log.warning(level.description)
    }
    let loss = result.itemCount == 0 ? .nan : result.lossSum / Double(result.itemCount)
    if result.isSkipped {
      try reportSkipped(items)
      communicator.enter(.investigation)
      try forensics.investigate(items, epoch: epoch.number, learningRate: result.learningRate)
    }
    log.append(
      .step(
        .init(
          step: progress.step, loss: loss, gradientNorm: result.gradientNorm,
          learningRate: result.learningRate, isSkipped: result.isSkipped,
          dataSeconds: result.dataSeconds, busySeconds: result.busySeconds,
          exposedSeconds: result.exchanged.exposedSeconds)))
    if let outcome = result.duel {
      try duel?.step(
        outcome, trainer.judged, epoch: epoch.number, isSkipped: result.isSkipped)
    }
    log.progress(
      completed: progress.stepInEpoch, loss: loss, audioSeconds: epoch.trained.audioSeconds)
    return result.requests
  }

  private var ownRequests: StepRequests {
    var requests = saving.requests
    requests.validating = validation.isComputing
    return requests
  }

  /// Runs a step. All ranks know a failure of one of them, and the steps before it are saved.
  private func savingOnFailure<Result>(_ step: () throws -> Result) throws -> Result {
    do {
      return try step()
    } catch let failure as RootFailure {
      try saving.save(trainer)
      throw failure
    }
  }

  private func reportSkipped(_ items: [Int]) throws {
    let names = Array(trainer.names(items).joined(separator: ", ").utf8)
    guard let all = try communicator.gather(names, root: 0) else { return }
    let list = all.map { String(decoding: $0, as: UTF8.self) }.filter { !$0.isEmpty }
    log.warning(
      "step \(progress.step) skipped on all ranks: loss or gradient is not finite "
        + "(\(progress.skippedSteps) so far); its utterances: "
        + ItemList.text(list, limit: 32))
  }

  /// Measures the epoch whose steps are done and saves it, unless the ranks' weights differ while
  /// steps are being skipped. Returns whether they do.
  private func closeEpoch() throws -> Bool {
    log.endProgress()
    epoch.trained.stepSeconds = epoch.seconds
    // One rank that waits for data makes all wait.
    let waited = try communicator.allReduceMax(
      Int64((trainer.waitedSeconds - epoch.waitedBefore) * 1e6))
    try stragglers.report(stepSeconds: epoch.trained.stepSeconds, step: progress.step)
    leftOut.summarize()
    try closeDuel()
    if try rollback.replicasDiffer() { return true }
    // A run that is resumed from here continues with the validation.
    try saving.save(trainer)
    epoch.trained.trainingLoss = progress.meanLoss
    epoch.trained.learningRate = trainer.rate(atStep: progress.step - 1)
    epoch.trained.seconds = epoch.seconds
    epoch.trained.dataSeconds = Double(waited) / 1e6
    return false
  }

  /// Ends the epoch's report on the discriminator.
  private func closeDuel() throws {
    guard let duel else { return }
    let predictions = try duel.closeEpoch(epoch.number)
    _ = try saving.write {
      if let predictions {
        try AtomicFile.write(predictions.csv, to: folder.file(.predictions))
      }
      return true
    }
  }

  /// Validates the closed epoch while training waits, and ends it. Returns false if a rank left.
  private func validate() throws -> Bool {
    let stopwatch = Stopwatch()
    communicator.enter(.validation)
    let result = try (trace?.recorder).measure(.validation) {
      try validation.run(until: saving.wantsToStopValidation)
    }
    guard let evaluation = result else { return false }
    let seconds = stopwatch.seconds
    saving.validated(seconds: seconds)
    try ending.end(epoch.trained, evaluation, validationSeconds: seconds)
    return true
  }

  /// Waits for the validation beside training, and ends its epoch. Returns false if a rank left.
  private func awaitValidation() throws -> Bool {
    let stopwatch = Stopwatch()
    defer { epoch.awaitedSeconds += stopwatch.seconds }
    communicator.enter(.validation)
    let result = try (trace?.recorder).measure(.validation) {
      try validation.finish(until: saving.wantsToStopValidation)
    }
    guard let (evaluation, seconds) = result else { return false }
    let waited = stopwatch.seconds
    saving.validated(seconds: seconds)
    try ending.endUnvalidated(evaluation, validationSeconds: waited)
    return true
  }

  /// Returns to the last good state, and gives up a validation under way: the policy begins it
  /// again if its epoch is still there.
  private func goBack() throws {
    log.endProgress()
    trainer.stopPrefetching()
    communicator.enter(.resuming)
    validation.giveUp()
    try rollback.run()
    // So that a run that is killed now does not forget its lower rate.
    try saving.save(trainer)
    try ending.wentBack()
    startPrefetching()
  }

  /// Saves and reports why the run stops.
  private func stop(_ cause: RunPolicy.StopCause) throws -> StopReason {
    log.endProgress()
    let reason = saving.reason(cause)
    try saving.save(trainer)
    saving.report(
      reason, progress,
      validated: cause == .leftValidation ? progress.validatedEpochs + 1 : nil)
    return reason
  }
}

/// The epoch whose steps are under way, or the rest of it that is done here.
private struct EpochUnderWay {
  /// From 1.
  let number: Int
  /// The utterances of its steps.
  let sampler: ShardedSampler
  /// Seconds that steps had waited for data before it.
  let waitedBefore: Double
  /// Seconds in it that were spent on ending the epoch that was validated beside it.
  var awaitedSeconds = 0.0
  /// Figures of its training; whole once it is closed.
  var trained = EpochFigures(
    trainingLoss: nil, learningRate: 0, seconds: 0, stepSeconds: 0, audioSeconds: 0, dataSeconds: 0)
  private let stopwatch = Stopwatch()

  /// The epoch that the state of `trainer` is in.
  init(_ trainer: Trainer) {
    number = trainer.state.progress.epoch + 1
    sampler = trainer.sampler(epoch: number)
    waitedBefore = trainer.waitedSeconds
  }

  /// Seconds since its start here, without those for another epoch's validation.
  var seconds: Double { stopwatch.seconds - awaitedSeconds }
}
