import Checkpoints
import DistTrain
import Files
import Foundation
import Recipes
import RunTestSupport
import Synchronization
import Testing

/// After too many skipped steps in a row the run goes back to its last good state, with a lower
/// rate.
@Suite(.serialized) struct RollbackTests {
  private static let policy = NonFinitePolicy(skipLimit: 2, rollbackFactor: 0.5, rollbackLimit: 1)

  /// Result of a run from the checkpoint of `source`, or from its beginning, with the rate × 0.5.
  private func expected(_ run: NonFiniteRun, from source: String?) throws -> NonFiniteRun.Outcome {
    let data = try source.map {
      try Data(contentsOf: run.folder.appending(path: "\($0)/last.safetensors"))
    }
    let configuration = run.configuration
    let outcomes = try run.train(
      into: "expected",
      prepare: { state in
        if let data {
          try Checkpoint(data, path: "last").restore(state, configuration)
        }
        var recovery = RecoveryProgress(firstSkippedStep: 5, firstSkippedEpoch: 2)
        recovery.rateFactors = [0.5]
        state.progress.recovery = recovery
      })
    return outcomes[0]
  }

  // Four steps an epoch; 6 and 7 are skipped, in the second.
  @Test func goesBackToTheCheckpointAndFinishes() throws {
    try NonFiniteRun.with(train: 16, epochs: 3) { run in
      let outcomes = try run.train(Self.policy) {
        NumericalFault.poisonWeight(step: 6, rank: 1, name: "layers.0.cross.norm.weight")
          .hooks(rank: $0)
      }
      for outcome in outcomes {
        #expect(outcome.error == nil && outcome.isDone)
        #expect(outcome.progress.step == 12 && outcome.progress.epoch == 3)
        #expect(outcome.progress.skippedSteps == 2 && outcome.progress.rollbacks == 1)
        #expect(outcome.progress.rateFactor == 0.5 && outcome.progress.skippedInARow == 0)
        #expect(outcome.progress.recovery?.firstSkippedStep == 6)
        #expect(outcome.adamSteps == 12)
      }
      #expect(outcomes[0].values == outcomes[1].values)
      let event = try #require(try run.events("rollback").first)
      #expect(event["from_step"] == .integer(7) && event["step"] == .integer(4))
      #expect(event["rate_factor"] == .number(0.5) && event["rollback"] == .integer(1))
      let log = try run.log()
      #expect(
        log.contains(
          "warning: 2 steps in a row were skipped: back to step 4 "
            + "(\(run.folder.file("run/step-00000004.safetensors"))), with the learning rate × 0.5 "
            + "(rollback 1 of 1)"), "\(log)")
      #expect(try run.historyEpochs() == ["1", "2", "3"])
      // The means of epochs with skipped steps and a rollback in them are of the steps that count.
      let epochs = try run.events("epoch")
      #expect(epochs.count == 3)
      for epoch in epochs {
        guard case .number(let loss) = epoch["train_loss"] else {
          Issue.record("\(epoch)")
          continue
        }
        #expect(loss.isFinite && loss > 0)
      }
      #expect(epochs.map { $0["learning_rate"] } == [0.001, 0.0005, 0.0005].map { .number($0) })
    }
  }

  @Test func goesOnAsARunThatStartedThereWithThatRate() throws {
    try NonFiniteRun.with(train: 16, epochs: 2) { run in
      // One whole epoch, whose checkpoint both go on from.
      let one = try NonFiniteRun(in: run.folder, epochs: 1)
      _ = try one.train(into: "one")
      let outcomes = try run.train(Self.policy) {
        NumericalFault.poisonWeight(step: 6, rank: 0).hooks(rank: $0)
      }
      let expected = try expected(run, from: "one")
      #expect(outcomes[0].error == nil && expected.error == nil)
      #expect(outcomes[0].values == expected.values && outcomes[1].values == expected.values)
      #expect(outcomes[0].progress.lossSum == expected.progress.lossSum)
    }
  }

  @Test func goesBackToTheInitialStateWithoutACheckpoint() throws {
    try NonFiniteRun.with(train: 16, epochs: 1) { run in
      let outcomes = try run.train(Self.policy) {
        NumericalFault.poisonWeight(step: 2, rank: 1).hooks(rank: $0)
      }
      let expected = try expected(run, from: nil)
      for outcome in outcomes {
        #expect(outcome.error == nil && outcome.isDone && outcome.progress.step == 4)
        #expect(outcome.values == expected.values)
      }
      #expect(
        try run.log().contains { $0.contains("back to the initial weights (there is no good") })
      #expect(try run.historyEpochs() == ["1"])
    }
  }

  // Step 4 is the last of the epoch: at its end the ranks' weights differ.
  @Test func weightsThatDifferAtTheEndOfAnEpochAreTakenBack() throws {
    try NonFiniteRun.with(train: 16, epochs: 2) { run in
      let outcomes = try run.train(Self.policy) {
        NumericalFault.poisonWeight(step: 4, rank: 1).hooks(rank: $0)
      }
      for outcome in outcomes {
        #expect(outcome.error == nil && outcome.isDone && outcome.progress.step == 8)
        #expect(outcome.progress.rollbacks == 1)
      }
      #expect(outcomes[0].values == outcomes[1].values)
    }
  }

  // Step 8 is the last of the second epoch: its checkpoint holds a NaN, so the run goes back over
  // the epoch's border to step 4.
  @Test func undoneEpochsLeaveTheHistoryAtOnce() throws {
    try NonFiniteRun.with(train: 16, epochs: 3) { run in
      let seen = Mutex<[[String]]>([])
      let outcomes = try run.train(Self.policy) { rank in
        let fault = NumericalFault.poisonWeight(step: 8, rank: rank).hooks(rank: rank)
        return StepHooks(beforeStep: { step, arena in
          fault.beforeStep(step, arena)
          guard rank == 0, step == 5 || step == 9 else { return }
          let epochs = (try? run.historyEpochs()) ?? ["unreadable"]
          seen.withLock { $0.append(epochs) }
        })
      }
      #expect(outcomes.allSatisfy { $0.error == nil && $0.isDone && $0.progress.step == 12 })
      let rollback = try #require(try run.events("rollback").first)
      #expect(rollback["from_step"] == .integer(9) && rollback["step"] == .integer(4))
      #expect(try run.events("epoch").map { $0["epoch"] } == [1, 2, 2, 3].map { .integer($0) })
      // Before step 5, before step 9, and before both once more.
      #expect(seen.withLock { $0 } == [["1"], ["1", "2"], ["1"], ["1", "2"]])
      #expect(try run.historyEpochs() == ["1", "2", "3"])
    }
  }

  @Test func badCheckpointsAreNotGoneBackTo() throws {
    try NonFiniteRun.with(train: 16, epochs: 2) { run in
      let checkpoint = run.folder.file("run/last.safetensors")
      let outcomes = try run.train(Self.policy) { rank in
        var hooks = NumericalFault.poisonWeight(step: 6, rank: 0).hooks(rank: rank)
        let poison = hooks.beforeStep
        if rank == 0 {
          hooks.beforeStep = { step, arena in
            poison(step, arena)
            // Cut by something else while the run goes on.
            if step == 7 { truncate(checkpoint, 1000) }
          }
        }
        return hooks
      }
      #expect(outcomes.allSatisfy { $0.error == nil && $0.isDone && $0.progress.step == 8 })
      #expect(outcomes[0].values == outcomes[1].values)
      #expect(try run.log().contains { $0.contains("back to the initial weights") })
      #expect(try run.historyEpochs() == ["1", "2"])
    }
  }

  @Test func stopsWithAReportWhenGoingBackDoesNotHelp() throws {
    try NonFiniteRun.with(train: 16, epochs: 3) { run in
      let outcomes = try run.train(Self.policy) { rank in
        StepHooks(beforeStep: { step, arena in
          if step >= 6 && rank == 1 { arena.parameters[0].value[0] = .nan }
        })
      }
      let text =
        "the gradient was not finite in 2 steps in a row (in epoch 2) after 1 rollback; what was "
        + "saved before is whole: start again with a lower --lr"
      for outcome in outcomes {
        #expect(outcome.error == text)
        #expect(outcome.progress.skippedSteps == 4 && outcome.progress.rollbacks == 1)
      }
      let log = try run.log()
      #expect(
        log.contains("4 steps were skipped in all, the first was step 6 in epoch 2"), "\(log)")
      #expect(log.contains("learning rates tried: 0.001, 0.0005"), "\(log)")
      let dumps = run.folder.file("run/nonfinite")
      let first = "\(dumps)/step-00000006-rank1.safetensors"
      #expect(log.contains("dumps: 2 in \(dumps); the first: disttrain replay \(first)"), "\(log)")
      #expect(try run.events("diverged").count == 1)
      // The checkpoint to resume from has the lower rate, and the rollback counted.
      let file = try SafetensorsFile(
        contentsOf: run.folder.appending(path: "run/last.safetensors"))
      let progress = try JSONDecoder().decode(
        TrainingProgress.self, from: Data(try #require(file.metadata["progress"]).utf8))
      #expect(progress.rateFactor == 0.5 && progress.rollbacks == 1 && progress.step == 4)
    }
  }

  @Test func checkpointsOfBeforeHaveNoRollbacks() throws {
    let text = """
      {"step":7,"epoch":1,"stepInEpoch":3,"lossSum":1.5,"lossCount":4,"skippedSteps":2}
      """
    let progress = try JSONDecoder().decode(TrainingProgress.self, from: Data(text.utf8))
    #expect(progress.rateFactor == 1 && progress.rollbacks == 0 && progress.skippedInARow == 0)
  }
}
