import Foundation
import Metrics
import Models
import Tensor

/// The loop of a run: epochs of steps, each followed by validation, a log line and checkpoints.
///
/// All ranks run it; rank 0 writes.
public final class TrainingRun {
  private let trainer: Trainer
  private let folder: RunFolder
  private let log: RunLog
  private let communicator: any Communicator
  private let validate: () throws -> Evaluation
  private var history: HistoryCSV?
  private var reported: Set<String> = []
  private let forensics: NonFiniteForensics
  private let rollback: Rollback

  /// `validate` scores the model as it stands and is called by all ranks together.
  public init(
    _ trainer: Trainer, folder: RunFolder, log: RunLog,
    policy: NonFinitePolicy = NonFinitePolicy(), over communicator: any Communicator,
    validate: @escaping () throws -> Evaluation
  ) throws {
    self.trainer = trainer
    self.folder = folder
    self.log = log
    self.communicator = communicator
    self.validate = validate
    let dumps = NonFiniteFolder(folder, limit: policy.dumpLimit)
    forensics = NonFiniteForensics(trainer, folder: dumps, log: log, over: communicator)
    rollback = Rollback(
      trainer: trainer, folder: folder, dumps: dumps, policy: policy, log: log,
      communicator: communicator)
    if communicator.isRoot {
      history = try HistoryCSV(
        url: folder.history, resumingAfter: trainer.state.progress.epoch)
    }
  }

  /// Trains until the epochs are done or `stepLimit` steps of the run are, and returns whether it
  /// came to the end.
  @discardableResult
  public func run(stepLimit: Int? = nil) throws -> Bool {
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
        do { try saveLast() } catch { log.warning("\(error)") }
        startPrefetching()
      }
      switch try trainEpoch(stepLimit: stepLimit) {
      case .finished(let seconds): audioSeconds = seconds
      case .notFinite:
        try goBack()
        continue
      case .stopped:
        try saveLast()
        log.line(
          "stopped after \(progress().step) steps as asked; the same command with --resume goes on")
        return false
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
      let evaluation = try trainer.state.withEvaluatedWeights { try validate() }
      try finishEpoch(
        evaluation, seconds: clock.seconds,
        audioRate: trainSeconds > 0 ? audioSeconds / trainSeconds : 0, wait: wait)
    }
    return true
  }

  private enum EpochEnd {
    /// All its steps are done; seconds of audio in them.
    case finished(audioSeconds: Double)
    /// The step limit came first.
    case stopped
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
      if let stepLimit, trainer.state.progress.step >= stepLimit { return .stopped }
      let items = sampler[index].items
      let result = try trainer.step(items, epoch: epoch)
      audioSeconds += Double(result.itemCount) * configuration.cropSeconds
      let loss = result.lossSum / Double(max(1, result.itemCount))
      if result.isSkipped {
        try reportSkipped(result, items)
        try forensics.investigate(items, epoch: epoch, learningRate: result.learningRate)
      }
      log.event(
        "step",
        [
          "step": .integer(trainer.state.progress.step), "loss": .number(loss),
          "gradient_norm": .number(result.gradientNorm),
          "learning_rate": .number(result.learningRate), "skipped": .flag(result.isSkipped),
          "data_seconds": .number(result.dataSeconds),
          "exposed_exchange_seconds": .number(result.exchanged.exposedSeconds),
        ])
      log.progress(completed: index + 1, loss: loss, audioSeconds: audioSeconds)
      if rollback.isDue { return .notFinite }
    }
    return .finished(audioSeconds: audioSeconds)
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
    _ evaluation: Evaluation, seconds: Double, audioRate: Double, wait: DataWait
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
      audioSecondsPerSecond: audioRate)
    for (name, reason) in evaluation.unscorable where reported.insert(name).inserted {
      log.warning("left out of the validation means: \(name): \(reason)")
    }
    if let score = pesq?.enhanced, score > state.progress.bestScore ?? -.infinity {
      state.progress.bestScore = score
      state.progress.bestEpoch = state.progress.epoch
      try onRoot { try AtomicFile.write(self.bestWeights(), to: self.folder.best) }
    }
    try saveLast()
    try onRoot { try self.history?.append(report) }
    if let warning = wait.warning(epoch: report.epoch) { log.warning(warning) }
    log.epoch(report, adding: ["data_seconds": .number(wait.seconds)])
  }

  private func bestWeights() -> [UInt8] {
    trainer.state.withEvaluatedWeights {
      Array(WeightFile.serialized(trainer.state.model, program: Program.nameAndVersion))
    }
  }

  private func saveLast() throws {
    try onRoot {
      let data = try Checkpoint.serialized(self.trainer.state, self.trainer.configuration)
      try AtomicFile.write(Array(data), to: self.folder.last)
    }
  }

  private func onRoot(_ body: () throws -> Void) throws {
    if communicator.isRoot { try body() }
  }
}

extension ContinuousClock.Instant {
  /// Seconds from this instant to now.
  fileprivate var seconds: Double {
    (ContinuousClock.now - self) / .seconds(1)
  }
}
