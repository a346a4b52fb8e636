import Communication
import Foundation
import RunFiles

/// The loop of a run: epochs of steps, each followed by validation, a log line and checkpoints. With
/// an asynchronous validation these come while the steps of the next epoch are done.
///
/// All ranks run it; rank 0 writes, and what fails there ends the run on all of them in order.
public final class TrainingRun {
  /// How a run came to its end.
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
  /// Seconds spent on ending epochs that were scored beside training.
  private var endingSeconds = 0.0
  private let forensics: NonFiniteForensics
  private let rollback: Rollback
  private let trace: RunTrace?

  /// A run of `trainer`, whose state `validation` scores.
  package init(
    _ trainer: Trainer, folder: RunFolder, log: RunLog, saving: RunSaving, validation: Validation,
    policy: NonFinitePolicy = NonFinitePolicy(), trace: RunTrace? = nil,
    over communicator: any Communicator
  ) throws {
    self.trainer = trainer
    self.trace = trace
    self.log = log
    self.saving = saving
    self.communicator = communicator
    self.validation = validation
    let dumps = NonFiniteFolder(folder, limit: policy.dumpLimit)
    forensics = NonFiniteForensics(trainer, folder: dumps, log: log, over: communicator)
    rollback = Rollback(
      trainer: trainer, store: saving.store, dumps: dumps, policy: policy, log: log,
      communicator: communicator)
    stragglers = Stragglers(log: log, over: communicator)
    ending = try EpochEnding(
      trainer, folder: folder, log: log, saving: saving, over: communicator)
  }

  /// Trains until the epochs are done, `stepLimit` steps of the run are, or something asks to stop.
  @discardableResult
  public func run(stepLimit: Int? = nil) throws -> End {
    do {
      let end = try trainEpochs(stepLimit: stepLimit)
      try trace?.end()
      return end
    } catch  where error is RootFailure || error is TrainingError {
      // Such a failure is one of all ranks, and what was traced may tell of it.
      if trace?.recorder != nil { try trace?.end() }
      throw error
    }
  }

  private func trainEpochs(stepLimit: Int?) throws -> End {
    let progress = { self.trainer.state.progress }
    func startPrefetching() {
      trainer.startPrefetching(stepCount: stepLimit.map { max(0, $0 - progress().step) })
    }
    startPrefetching()
    // Whatever ends the run: no thread goes on.
    defer {
      trainer.stopPrefetching()
      validation.giveUp()
    }
    if progress().unvalidated != nil {
      try validation.begin()
      if !validation.isAsynchronous, let reason = try finishValidation() {
        return try stop(reason, validated: progress().epoch)
      }
    }
    while progress().epoch < trainer.configuration.epochs {
      let clock = ContinuousClock.now
      let waitedBefore = trainer.waitedSeconds
      let endingBefore = endingSeconds
      let audioSeconds: Double
      func goBack() throws {
        trainer.stopPrefetching()
        communicator.enter(.resuming)
        // It is done again, if what it scores is not given up with the steps.
        validation.giveUp()
        try rollback.run()
        // So that a run that is killed now does not forget its lower rate.
        try saving.save(trainer)
        try ending.wentBack()
        if progress().unvalidated != nil { try validation.begin() }
        startPrefetching()
      }
      switch try trainEpoch(stepLimit: stepLimit) {
      case .stop(let reason):
        // A limit, unlike other reasons, is no hurry.
        if reason == .stepLimit, validation.isUnderWay, let other = try finishValidation() {
          return try stop(other, validated: progress().epoch)
        }
        return try stop(reason)
      case .notFinite:
        try goBack()
        continue
      case .trained(let seconds):
        audioSeconds = seconds
      }
      let stepSeconds = clock.seconds - (endingSeconds - endingBefore)
      // One rank that waits makes all wait.
      let waited = try communicator.allReduceMax(
        Int64((trainer.waitedSeconds - waitedBefore) * 1e6))
      try stragglers.report(stepSeconds: stepSeconds, step: progress().step)
      if try rollback.isDueForDifferingReplicas() {
        try goBack()
        continue
      }
      // A run that is resumed from here goes straight on to the validation.
      try saving.save(trainer)
      let trained = TrainedEpoch(
        trainingLoss: progress().meanLoss, learningRate: trainer.rate(atStep: progress().step - 1),
        seconds: clock.seconds - (endingSeconds - endingBefore), stepSeconds: stepSeconds,
        audioSeconds: audioSeconds, dataSeconds: Double(waited) / 1e6)
      // Lines of the log come in the order of the epochs.
      if validation.isUnderWay, let reason = try finishValidation() {
        return try stop(reason, validated: progress().epoch)
      }
      // Beside what, after the last one?
      if validation.isAsynchronous, progress().epoch + 1 < trainer.configuration.epochs {
        trainer.state.freezeEvaluatedWeights()
        trainer.state.progress.endEpoch()
        trainer.state.progress.unvalidated = trained
        try validation.begin()
      } else if let end = try validate(trained) {
        return end
      }
    }
    if validation.isUnderWay, let reason = try finishValidation() {
      return try stop(reason, validated: progress().epoch)
    }
    return .complete
  }

  /// Validates the epoch whose steps are done, while training waits. Not nil if the run stops.
  private func validate(_ trained: TrainedEpoch) throws -> End? {
    if let reason = try saving.reasonBeforeValidation() { return try stop(reason) }
    let clock = ContinuousClock.now
    communicator.enter(.validation)
    let result = try (trace?.recorder).measure(.validation) {
      try validation.run(until: saving.wantsToStopValidation)
    }
    guard let evaluation = result else {
      return try stop(
        saving.reasonDuringValidation(), validated: trainer.state.progress.epoch + 1)
    }
    let seconds = clock.seconds
    saving.validated(seconds: seconds)
    try ending.end(trained, evaluation, validationSeconds: seconds)
    return nil
  }

  /// Waits for the validation that is under way beside training, and ends its epoch. Not nil if the
  /// run stops instead.
  private func finishValidation() throws -> StopReason? {
    let clock = ContinuousClock.now
    defer { endingSeconds += clock.seconds }
    communicator.enter(.validation)
    let result = try (trace?.recorder).measure(.validation) {
      try validation.finish(until: saving.wantsToStopValidation)
    }
    guard let (evaluation, seconds) = result else { return saving.reasonDuringValidation() }
    let waited = clock.seconds
    saving.validated(seconds: seconds)
    try ending.endUnvalidated(evaluation, validationSeconds: waited)
    return nil
  }

  /// Saves, says why the run stops, and in the validation of which epoch if it does so there.
  private func stop(_ reason: StopReason, validated: Int? = nil) throws -> End {
    try saving.save(trainer)
    saving.report(reason, trainer.state.progress, validated: validated)
    return .stopped(reason)
  }

  private enum EpochEnd {
    /// All steps are done; seconds of audio of those done here.
    case trained(Double)
    /// Something asks to stop.
    case stop(StopReason)
    /// Too many steps in a row were not finite.
    case notFinite
  }

  /// The rest of the epoch under way.
  private func trainEpoch(stepLimit: Int?) throws -> EpochEnd {
    let configuration = trainer.configuration
    let epoch = trainer.state.progress.epoch + 1
    let sampler = trainer.sampler(epoch: epoch)
    let first = trainer.state.progress.stepInEpoch
    log.beginProgress(
      "epoch \(epoch)/\(configuration.epochs)", total: trainer.stepsPerEpoch, completed: first)
    defer { log.endProgress() }
    var audioSeconds = 0.0
    stragglers.beginEpoch()
    for index in first..<trainer.stepsPerEpoch {
      if let stepLimit, trainer.state.progress.step >= stepLimit { return .stop(.stepLimit) }
      let items = sampler[index].items
      try trace?.stepBegins()
      let result = try step(items, epoch: epoch)
      audioSeconds += Double(result.itemCount) * configuration.cropSeconds
      stragglers.add(busySeconds: result.busySeconds)
      let loss = result.lossSum / Double(max(1, result.itemCount))
      if result.isSkipped {
        try reportSkipped(result, items)
        communicator.enter(.investigation)
        try forensics.investigate(items, epoch: epoch, learningRate: result.learningRate)
      }
      let step = trainer.state.progress.step
      log.append(
        .step(
          .init(
            step: step, loss: loss, gradientNorm: result.gradientNorm,
            learningRate: result.learningRate, isSkipped: result.isSkipped,
            dataSeconds: result.dataSeconds, busySeconds: result.busySeconds,
            exposedSeconds: result.exchanged.exposedSeconds)))
      log.progress(completed: index + 1, loss: loss, audioSeconds: audioSeconds)
      if rollback.isDue { return .notFinite }
      // By the same sums on all ranks, so that all do it after the same step.
      if validation.isUnderWay, !result.requests.validating, let reason = try finishValidation() {
        return .stop(reason)
      }
      if let reason = saving.reason(result.requests) { return .stop(reason) }
      // After the last step the epoch's own checkpoint follows.
      if index + 1 < trainer.stepsPerEpoch, saving.isDue(result.requests, afterStep: step) {
        try saving.save(trainer)
      }
      try trace?.endIfFull()
    }
    return .trained(audioSeconds)
  }

  private func step(_ items: [Int], epoch: Int) throws -> StepResult {
    do {
      return try saving.timingStep { requests in
        try trainer.step(items, epoch: epoch, trace: trace?.recorder) {
          var requests = requests()
          requests.validating = validation.isComputing
          return requests
        }
      }
    } catch let failure as RootFailure {
      // All ranks know that one of them failed, and the steps before must not be lost.
      try saving.save(trainer)
      throw failure
    }
  }

  private func reportSkipped(_ result: StepResult, _ items: [Int]) throws {
    let names = Array(trainer.names(items).joined(separator: ", ").utf8)
    guard let all = try communicator.gather(names, root: 0) else { return }
    let list = all.map { String(decoding: $0, as: UTF8.self) }.filter { !$0.isEmpty }
    log.warning(
      "step \(trainer.state.progress.step) skipped on all ranks: loss or gradient is not finite "
        + "(\(trainer.state.progress.skippedSteps) so far); its utterances: "
        + list.joined(separator: ", "))
  }
}

extension ContinuousClock.Instant {
  /// Seconds from this instant to now.
  fileprivate var seconds: Double {
    (ContinuousClock.now - self) / .seconds(1)
  }
}
