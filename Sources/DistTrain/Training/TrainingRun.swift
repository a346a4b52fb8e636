import Foundation
import Metrics
import Models
import Tensor

/// The loop of a run: epochs of steps, each followed by validation, a log line and checkpoints.
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
  private let folder: RunFolder
  private let log: RunLog
  private let communicator: any Communicator
  private let saving: RunSaving
  private let validate: (_ isStopAsked: () -> Bool) throws -> Evaluation?
  private var history: HistoryCSV?
  private var reported: Set<String> = []
  private let forensics: NonFiniteForensics
  private let rollback: Rollback

  /// `validate` scores the model as it stands and is called by all ranks together. It looks from
  /// time to time whether this rank wants to stop; nil on all ranks if one did.
  package init(
    _ trainer: Trainer, folder: RunFolder, log: RunLog, saving: RunSaving,
    policy: NonFinitePolicy = NonFinitePolicy(), over communicator: any Communicator,
    validate: @escaping (_ isStopAsked: () -> Bool) throws -> Evaluation?
  ) throws {
    self.trainer = trainer
    self.folder = folder
    self.log = log
    self.saving = saving
    self.communicator = communicator
    self.validate = validate
    let dumps = NonFiniteFolder(folder, limit: policy.dumpLimit)
    forensics = NonFiniteForensics(trainer, folder: dumps, log: log, over: communicator)
    rollback = Rollback(
      trainer: trainer, store: saving.store, dumps: dumps, policy: policy, log: log,
      communicator: communicator)
    if communicator.isRoot {
      history = try HistoryCSV(
        url: folder.history, resumingAfter: trainer.state.progress.epoch)
    }
  }

  /// Trains until the epochs are done, `stepLimit` steps of the run are, or something asks to stop.
  @discardableResult
  public func run(stepLimit: Int? = nil) throws -> End {
    let progress = { self.trainer.state.progress }
    func startPrefetching() {
      trainer.startPrefetching(stepCount: stepLimit.map { max(0, $0 - progress().step) })
    }
    startPrefetching()
    defer { trainer.stopPrefetching() }
    while progress().epoch < trainer.configuration.epochs {
      let clock = ContinuousClock.now
      let waitedBefore = trainer.waitedSeconds
      let audioSeconds: Double
      func goBack() throws {
        trainer.stopPrefetching()
        try rollback.run()
        // So that a run that is killed now does not forget its lower rate.
        try saving.save(trainer)
        startPrefetching()
      }
      switch try trainEpoch(stepLimit: stepLimit) {
      case .stop(let reason):
        try saving.save(trainer)
        saving.report(reason, progress())
        return .stopped(reason)
      case .notFinite:
        try goBack()
        continue
      case .trained(let seconds):
        audioSeconds = seconds
      }
      let trainSeconds = clock.seconds
      // One rank that waits makes all wait.
      let waited = try communicator.allReduceMax(
        Int64((trainer.waitedSeconds - waitedBefore) * 1e6))
      let wait = DataWait(seconds: Double(waited) / 1e6, trainingSeconds: trainSeconds)
      if try rollback.isDueForDifferingReplicas() {
        try goBack()
        continue
      }
      // A run that is resumed from here goes straight on to the validation.
      try saving.save(trainer)
      if let reason = try saving.reasonBeforeValidation() {
        saving.report(reason, progress())
        return .stopped(reason)
      }
      let validationClock = ContinuousClock.now
      guard
        let evaluation = try trainer.state.withEvaluatedWeights({
          try validate(saving.wantsToStopValidation)
        })
      else {
        let reason = saving.reasonDuringValidation()
        saving.report(reason, progress(), inValidation: true)
        return .stopped(reason)
      }
      let validationSeconds = validationClock.seconds
      saving.validated(seconds: validationSeconds)
      try finishEpoch(
        evaluation, seconds: clock.seconds, validationSeconds: validationSeconds,
        audioRate: trainSeconds > 0 ? audioSeconds / trainSeconds : 0, wait: wait)
    }
    return .complete
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
      "pass \(epoch)/\(configuration.epochs)", total: trainer.stepsPerEpoch, completed: first)
    defer { log.endProgress() }
    var audioSeconds = 0.0
    for index in first..<trainer.stepsPerEpoch {
      if let stepLimit, trainer.state.progress.step >= stepLimit { return .stop(.stepLimit) }
      let items = sampler[index].items
      let result = try saving.timingStep {
        try trainer.step(items, epoch: epoch, requests: $0)
      }
      audioSeconds += Double(result.itemCount) * configuration.cropSeconds
      let loss = result.lossSum / Double(max(1, result.itemCount))
      if result.isSkipped {
        try reportSkipped(result, items)
        try forensics.investigate(items, epoch: epoch, learningRate: result.learningRate)
      }
      let step = trainer.state.progress.step
      log.event(
        "step",
        [
          "step": .integer(step), "loss": .number(loss),
          "gradient_norm": .number(result.gradientNorm),
          "learning_rate": .number(result.learningRate), "skipped": .flag(result.isSkipped),
          "data_seconds": .number(result.dataSeconds),
          "exposed_exchange_seconds": .number(result.exchanged.exposedSeconds),
        ])
      log.progress(completed: index + 1, loss: loss, audioSeconds: audioSeconds)
      if rollback.isDue { return .notFinite }
      if let reason = saving.reason(result.requests) { return .stop(reason) }
      // After the last step the epoch's own checkpoint follows.
      if index + 1 < trainer.stepsPerEpoch, saving.isDue(result.requests, afterStep: step) {
        try saving.save(trainer)
      }
    }
    return .trained(audioSeconds)
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

  private func finishEpoch(
    _ evaluation: Evaluation, seconds: Double, validationSeconds: Double, audioRate: Double,
    wait: DataWait
  ) throws {
    let state = trainer.state
    let pesq = evaluation.means(of: .pesqWB)
    let siSDR = evaluation.means(of: .siSDR)
    let mean =
      state.progress.lossCount > 0
      ? state.progress.lossSum / Double(state.progress.lossCount) : nil
    state.progress.epoch += 1
    state.progress.stepInEpoch = 0
    state.progress.lossSum = 0
    state.progress.lossCount = 0
    let report = EpochReport(
      epoch: state.progress.epoch, pesq: pesq?.enhanced, noisyPESQ: pesq?.noisy,
      siSDR: siSDR?.enhanced, noisySISDR: siSDR?.noisy, validationLoss: evaluation.loss,
      trainingLoss: mean, learningRate: trainer.rate(atStep: state.progress.step - 1),
      scored: evaluation.scored, total: evaluation.total, seconds: seconds,
      audioSecondsPerSecond: audioRate, validationSeconds: validationSeconds)
    for (name, reason) in evaluation.unscorable where reported.insert(name).inserted {
      log.warning("left out of the validation means: \(name): \(reason)")
    }
    if let score = pesq?.enhanced, score > state.progress.bestScore ?? -.infinity {
      state.progress.bestScore = score
      state.progress.bestEpoch = state.progress.epoch
      try onRoot { try AtomicFile.write(self.bestWeights(), to: self.folder.best) }
    }
    // The checkpoint last: a run that is killed before it validates again, and writes all of this
    // once more in place of what is here. After it the epoch would be missing in the others.
    try onRoot { try self.history?.append(report) }
    if let warning = wait.warning(epoch: report.epoch) { log.warning(warning) }
    log.epoch(report, adding: ["data_seconds": .number(wait.seconds)])
    try saving.save(trainer)
  }

  private func bestWeights() -> [UInt8] {
    trainer.state.withEvaluatedWeights {
      Array(WeightFile.serialized(trainer.state.model, program: Program.nameAndVersion))
    }
  }

  /// Does something on rank 0 alone; what fails there fails everywhere.
  private func onRoot(_ body: () throws -> Void) throws {
    _ = try RootDecision(communicator).bytes {
      try body()
      return []
    }
  }
}

extension ContinuousClock.Instant {
  /// Seconds from this instant to now.
  fileprivate var seconds: Double {
    (ContinuousClock.now - self) / .seconds(1)
  }
}
