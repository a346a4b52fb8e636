import Checkpoints
import Communication
import Foundation
import Platform
import Recipes
import RunFiles

/// Takes a run that skips one step after another back to its last good state, with a lower rate.
struct Rollback {
  let trainer: Trainer
  let store: CheckpointStore
  let dumps: NonFiniteFolder
  let policy: NonFinitePolicy
  let log: RunLog
  let communicator: any Communicator

  /// Compares the ranks' parameters; whether they differ while steps are being skipped. A NaN in
  /// the weights of one rank does that, and is mended by going back. All ranks call it together.
  ///
  /// - Throws: `ReplicaError` if they differ though the last step was taken.
  func replicasDiffer() throws(ReplicaError) -> Bool {
    do {
      try ReplicaCheck.verify(
        UnsafeBufferPointer(trainer.state.model.parameters.values.buffer), subject: "parameters",
        over: communicator)
      for tensor in trainer.state.adversarial?.tensors ?? [] {
        try ReplicaCheck.verify(
          UnsafeBufferPointer(tensor.values.buffer), subject: "discriminator", over: communicator)
      }
      return false
    } catch ReplicaError.diverged where trainer.state.progress.skippedInARow > 0 {
      return true
    }
  }

  /// Goes back, or ends the run if it did so often enough. All ranks call it together.
  ///
  /// - Throws: `RootFailure` with the text of `TrainingError.diverged` on all ranks once the run
  ///   has gone back as often as the policy allows.
  func run() throws {
    let before = trainer.state.progress
    guard before.rollbacks < policy.rollbackLimit else { return try giveUp(before) }
    let source = try LastGoodState.restore(
      trainer.state, trainer.configuration, from: store, over: communicator)
    var progress = trainer.state.progress
    // Counts of skipped steps continue, and the best weights stay in their file.
    progress.skippedSteps = before.skippedSteps
    progress.bestScore = before.bestScore
    progress.bestEpoch = before.bestEpoch
    progress.bestBy = before.bestBy
    // Epochs that are done again have other weights then.
    progress.bestEpochs = before.bestEpochs?.filter { $0.epoch <= progress.validatedEpochs }
    progress.trainSet = before.trainSet
    progress.validationSet = before.validationSet
    progress.recovery = before.recovery
    progress.recovery?.skippedInARow = 0
    progress.recovery?.rateFactors.append(before.rateFactor * policy.rollbackFactor)
    trainer.state.progress = progress
    try trainer.state.verifyReplicas(over: communicator)
    tell(source, before, progress)
  }

  private func tell(_ source: LastGoodState, _ before: TrainingProgress, _ now: TrainingProgress) {
    let target =
      switch source {
      case .checkpoint(let path): "to step \(now.step) (\(path))"
      case .start: "to the initial weights (there is no good checkpoint)"
      }
    let were = NumberText.agree(before.skippedInARow, "was", "were")
    log.warning(
      NumberText.count(before.skippedInARow, "step") + " in a row \(were) skipped: back \(target), "
        + "with the learning rate × \(now.rateFactor) (rollback \(now.rollbacks) of "
        + "\(policy.rollbackLimit))")
    let path: String? = if case .checkpoint(let path) = source { path } else { nil }
    log.append(
      .rollback(
        .init(
          fromStep: before.step, step: now.step, epoch: now.epoch + 1, rateFactor: now.rateFactor,
          rollback: now.rollbacks, limit: policy.rollbackLimit, checkpoint: path)))
  }

  private func giveUp(_ progress: TrainingProgress) throws {
    let base = trainer.configuration.learningRate
    let rates = ([1] + (progress.recovery?.rateFactors ?? [])).map { base * $0 }
    let names = dumps.names
    if let recovery = progress.recovery {
      log.line(
        "\(NumberText.count(progress.skippedSteps, "step")) "
          + "\(NumberText.agree(progress.skippedSteps, "was", "were")) skipped in all, the first "
          + "was step \(recovery.firstSkippedStep) in epoch \(recovery.firstSkippedEpoch)")
    }
    log.line("learning rates tried: \(rates.map { "\($0)" }.joined(separator: ", "))")
    if let first = names.first {
      log.line(
        "dumps: \(names.count) in \(dumps.path); the first: disttrain replay "
          + "\(dumps.path)/\(first)")
    }
    log.append(
      .diverged(
        .init(
          step: progress.step, epoch: progress.epoch + 1, skippedSteps: progress.skippedSteps,
          firstSkippedStep: progress.recovery?.firstSkippedStep ?? 0, learningRates: rates,
          rollbacks: progress.rollbacks, dumps: names)))
    let error = TrainingError.diverged(
      steps: progress.skippedInARow, epoch: progress.epoch + 1, rollbacks: progress.rollbacks)
    try RootDecision(communicator).fail(error)
  }
}
