import Checkpoints
import DistTrain
import Testing

/// Runs whose policy sends them back to a checkpoint, where they go on.
@Suite struct RunPolicyRollbackTests {
  @Test func skippedStepsInARowGoBack() {
    var run = MadeRun(epochs: 2, skipLimit: 2)
    run.skippedOnce = [2, 3]
    // Without a checkpoint to the start.
    #expect(
      run.course() == "open 3 steps back open 3 steps close ask validate 1, "
        + "open 3 steps close ask validate 2, complete")
    #expect(run.progress.rollbacks == 1 && run.progress.skippedInARow == 0)
  }

  @Test func aTakenStepBreaksTheRow() {
    var run = MadeRun(epochs: 1, skipLimit: 2)
    run.skippedOnce = [1, 3]
    #expect(run.course() == "open 3 steps close ask validate 1, complete")
  }

  @Test func goingBackReturnsToTheLastCheckpoint() {
    var run = MadeRun(epochs: 2, skipLimit: 2, interval: .steps(4))
    run.skippedOnce = [5, 6]
    #expect(
      run.course() == "open 3 steps close ask validate 1, open step save 2 steps back "
        + "open 2 steps close ask validate 2, complete")
  }

  @Test func goingBackIsMoreUrgentThanStopping() {
    var run = MadeRun(epochs: 1, stepLimit: 2, skipLimit: 2)
    run.skippedOnce = [1, 2]
    run.requests = [2: .asking { $0.stopBySignal = true }]
    #expect(run.course() == "open 2 steps back open 2 steps stop signal")
  }

  @Test func ranksThatDifferGoBackBeforeTheyAreSaved() {
    var run = MadeRun(epochs: 2, skipLimit: 9)
    run.differing = [2]
    #expect(
      run.course() == "open 3 steps close ask validate 1, open 3 steps close back "
        + "open 3 steps close ask validate 2, complete")
  }

  @Test func goingBackGivesTheValidationUpWithItsEpoch() {
    // The last checkpoint is that of the closed first epoch: frozen weights are none of it.
    var run = MadeRun(epochs: 2, skipLimit: 2, isBeside: true, validationSteps: .max)
    run.skippedOnce = [4, 5]
    #expect(
      run.course() == "open 3 steps close freeze begin open 2 steps back open close freeze begin "
        + "open 3 steps close await 1, ask validate 2, complete")
  }

  @Test func goingBackRepeatsTheValidationOfAnEpochThatStays() {
    var run = MadeRun(
      epochs: 2, stepsPerEpoch: 4, skipLimit: 2, interval: .steps(5), isBeside: true,
      validationSteps: .max)
    run.skippedOnce = [6, 7]
    #expect(
      run.course() == "open 4 steps close freeze begin open step save 2 steps back begin open "
        + "3 steps close await 1, ask validate 2, complete")
  }

  @Test func goingBackAfterTheValidationRepeatsNone() {
    var run = MadeRun(epochs: 2, skipLimit: 2, isBeside: true, validationSteps: 0)
    run.skippedOnce = [5, 6]
    #expect(
      run.course() == "open 3 steps close freeze begin open step await 1, 2 steps back open "
        + "2 steps close ask validate 2, complete")
  }

  @Test func aRunIsResumedWithinARowOfSkippedSteps() {
    var run = MadeRun(epochs: 1, skipLimit: 2)
    run.skippedOnce = [1, 2, 3]
    run.stopAfterSteps = 1
    _ = run.course()
    // The limit is looked at after a step only, so that a resumed run has a chance of its own.
    var resumed = MadeRun(epochs: 1, skipLimit: 1)
    resumed.progress = run.progress
    #expect(resumed.progress.skippedInARow == 1)
    #expect(resumed.course() == "open 2 steps close ask validate 1, complete")
  }
}

/// Whatever happens to a run, each of its epochs is validated once and in order.
@Suite struct RunPolicyInvariantsTests {
  private static let epochs = 4

  /// A run with steps that are skipped, of a shape that depends on `seed`.
  private func run(seed: Int, isBeside: Bool) -> MadeRun {
    var run = MadeRun(
      epochs: Self.epochs, stepsPerEpoch: 2 + seed % 3, skipLimit: 2,
      interval: .steps(1 + seed % 5), isBeside: isBeside, validationSteps: seed % 7)
    let skipped = 1 + seed % 9
    run.skippedOnce = [skipped, skipped + 1]
    if seed.isMultiple(of: 4) { run.differing = [1 + seed % Self.epochs] }
    return run
  }

  @Test(arguments: [false, true]) func rollbacksLoseNoEpoch(isBeside: Bool) {
    for seed in 0..<100 {
      var run = run(seed: seed, isBeside: isBeside)
      let course = run.course()
      #expect(course.hasSuffix("complete"), "seed \(seed): \(course)")
      #expect(run.progress.validatedEpochs == Self.epochs && run.progress.unvalidated == nil)
      // A rollback may repeat epochs, and leaves out none.
      var next = 1
      for epoch in run.ended {
        #expect(epoch <= next, "seed \(seed): \(course)")
        next = epoch + 1
      }
      #expect(next == Self.epochs + 1, "seed \(seed): \(course)")
      #expect(run.progress.rollbacks > 0, "seed \(seed): \(course)")
    }
  }

  // Killed after any action, and resumed from the newest checkpoint, also in the other mode.
  @Test(arguments: [false, true], [false, true])
  func killedRunsLoseNoEpoch(isBeside: Bool, isBesideLater: Bool) {
    for seed in 0..<20 {
      for actions in 0..<40 {
        var killed = run(seed: seed, isBeside: isBeside)
        let before = killed.course(actions: actions)
        var resumed = run(seed: seed, isBeside: isBesideLater)
        resumed.skippedOnce = []
        resumed.differing = []
        resumed.progress = killed.saved
        let first = resumed.progress.validatedEpochs + 1
        let after = resumed.course()
        #expect(after.hasSuffix("complete"), "seed \(seed): \(before); \(after)")
        #expect(
          resumed.ended == Array(first..<Self.epochs + 1), "seed \(seed): \(before); \(after)")
        // Steps are neither lost nor taken twice.
        #expect(resumed.progress.step == Self.epochs * (2 + seed % 3))
      }
    }
  }
}
