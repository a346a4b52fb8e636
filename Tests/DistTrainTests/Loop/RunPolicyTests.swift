import Checkpoints
import DistTrain
import Testing

/// The order of a run: what follows what, for every way through it.
@Suite struct RunPolicyTests {
  // MARK: Validation that training waits for

  @Test func epochsFollowEachOther() {
    var run = MadeRun(epochs: 2)
    #expect(
      run.course() == "open 3 steps close ask validate 1, "
        + "open 3 steps close ask validate 2, complete")
    #expect(run.progress.step == 6 && run.progress.epoch == 2)
  }

  @Test func aCompleteRunDoesNothing() {
    var run = MadeRun(epochs: 2)
    run.progress.epoch = 2
    run.progress.step = 6
    #expect(run.course() == "complete")
  }

  @Test func aRunIsResumedWithinAnEpoch() {
    var run = MadeRun(epochs: 2)
    run.start(epoch: 1, stepInEpoch: 2)
    #expect(run.course() == "open step close ask validate 2, complete")
  }

  @Test func aRunIsResumedBeforeTheValidationOfAClosedEpoch() {
    var run = MadeRun(epochs: 1)
    run.start(epoch: 0, stepInEpoch: 3)
    #expect(run.course() == "open close ask validate 1, complete")
  }

  @Test func checkpointsFollowStepsThatTheIntervalDivides() {
    var run = MadeRun(epochs: 2, stepsPerEpoch: 4, interval: .steps(2))
    // Steps 4 and 8 are in the checkpoints of the closed epochs.
    #expect(
      run.course() == "open 2 steps save 2 steps close ask validate 1, "
        + "open 2 steps save 2 steps close ask validate 2, complete")
  }

  @Test func theIntervalCountsStepsOfTheWholeRun() {
    var run = MadeRun(epochs: 2, interval: .steps(2))
    #expect(
      run.course() == "open 2 steps save step close ask validate 1, "
        + "open step save 2 steps close ask validate 2, complete")
    run = MadeRun(epochs: 2, interval: .steps(2))
    run.start(epoch: 1, stepInEpoch: 0)
    #expect(run.course() == "open step save 2 steps close ask validate 2, complete")
  }

  @Test func checkpointsFollowRequestsOfTheClock() {
    var run = MadeRun(epochs: 1)
    run.requests = [1: .asking { $0.save = true }, 3: .asking { $0.save = true }]
    #expect(run.course() == "open step save 2 steps close ask validate 1, complete")
  }

  // MARK: Stops

  @Test(arguments: [
    (1, "open step stop stepLimit"),
    (3, "open 3 steps close ask validate 1, open stop stepLimit"),
    (4, "open 3 steps close ask validate 1, open step stop stepLimit"),
    (6, "open 3 steps close ask validate 1, open 3 steps close ask validate 2, complete"),
    (9, "open 3 steps close ask validate 1, open 3 steps close ask validate 2, complete"),
  ])
  func theStepLimitStops(limit: Int, course: String) {
    var run = MadeRun(epochs: 2, stepLimit: limit)
    #expect(run.course() == course)
  }

  @Test func aLimitThatIsReachedStopsAResumedRunAtOnce() {
    var run = MadeRun(epochs: 2, stepLimit: 2)
    run.start(epoch: 0, stepInEpoch: 2)
    #expect(run.course() == "open stop stepLimit")
  }

  @Test func signalsAndTimeStopAfterTheStep() {
    var run = MadeRun(epochs: 2)
    run.requests = [2: .asking { $0.stopBySignal = true }]
    #expect(run.course() == "open 2 steps stop signal")
    run = MadeRun(epochs: 2)
    run.requests = [2: .asking { $0.stopByTime = true }]
    #expect(run.course() == "open 2 steps stop time")
    // The last step of an epoch is none of its own.
    run = MadeRun(epochs: 2)
    run.requests = [3: .asking { $0.stopByTime = true }]
    #expect(run.course() == "open 3 steps stop time")
  }

  @Test func aSignalIsMoreUrgentThanTimeAndBothThanACheckpoint() {
    var run = MadeRun(epochs: 1)
    run.requests = [
      1: .asking {
        $0.stopBySignal = true
        $0.stopByTime = true
        $0.save = true
      }
    ]
    #expect(run.course() == "open step stop signal")
    // A request is more urgent than the limit, too: the status of the program depends on it.
    run = MadeRun(epochs: 1, stepLimit: 1)
    run.requests = [1: .asking { $0.stopByTime = true }]
    #expect(run.course() == "open step stop time")
  }

  @Test func aRunStopsBeforeAValidation() {
    var run = MadeRun(epochs: 2)
    run.requestsBeforeValidation = [1: .asking { $0.stopByTime = true }]
    #expect(run.course() == "open 3 steps close ask stop time")
    run = MadeRun(epochs: 2)
    run.requestsBeforeValidation = [2: .asking { $0.stopBySignal = true }]
    #expect(
      run.course() == "open 3 steps close ask validate 1, open 3 steps close ask stop signal")
    #expect(run.progress.epoch == 1 && run.progress.stepInEpoch == 3)
  }

  @Test func aRunStopsWithinAValidation() {
    var run = MadeRun(epochs: 2)
    run.leftValidations = [1]
    #expect(run.course() == "open 3 steps close ask validate 1 (left), stop leftValidation")
    #expect(run.progress.epoch == 0 && run.progress.stepInEpoch == 3)
    // From there it is resumed with the validation.
    var resumed = MadeRun(epochs: 2)
    resumed.progress = run.progress
    #expect(
      resumed.course() == "open close ask validate 1, open 3 steps close ask validate 2, complete")
  }

  // MARK: Validation beside training

  @Test func anEpochEndsOnceAllSharesOfItsValidationAreDone() {
    var run = MadeRun(epochs: 3, isBeside: true, validationSteps: 2)
    #expect(
      run.course() == "open 3 steps close freeze begin open 2 steps await 1, step close freeze "
        + "begin open 2 steps await 2, step close ask validate 3, complete")
  }

  @Test func aValidationMayEndWithTheFirstStep() {
    var run = MadeRun(epochs: 2, isBeside: true, validationSteps: 0)
    #expect(
      run.course() == "open 3 steps close freeze begin open step await 1, 2 steps close ask "
        + "validate 2, complete")
  }

  @Test func aValidationMayEndWithTheLastStep() {
    var run = MadeRun(epochs: 2, isBeside: true, validationSteps: 3)
    #expect(
      run.course() == "open 3 steps close freeze begin open 3 steps await 1, close ask "
        + "validate 2, complete")
  }

  @Test func aLateValidationIsAwaitedBeforeTheNextEpochIsValidated() {
    var run = MadeRun(epochs: 3, isBeside: true, validationSteps: .max)
    #expect(
      run.course() == "open 3 steps close freeze begin open 3 steps close await 1, freeze begin "
        + "open 3 steps close await 2, ask validate 3, complete")
  }

  @Test func theOnlyEpochIsValidatedWhileTrainingWaits() {
    var run = MadeRun(epochs: 1, isBeside: true)
    #expect(run.course() == "open 3 steps close ask validate 1, complete")
  }

  @Test func checkpointsFollowTheEndOfTheValidation() {
    var run = MadeRun(epochs: 2, interval: .steps(4), isBeside: true, validationSteps: 1)
    #expect(
      run.course() == "open 3 steps close freeze begin open step await 1, save 2 steps close ask "
        + "validate 2, complete")
  }

  @Test func aSignalGivesTheValidationBesideTrainingUp() {
    var run = MadeRun(epochs: 2, isBeside: true, validationSteps: .max)
    run.requests = [4: .asking { $0.stopBySignal = true }]
    #expect(run.course() == "open 3 steps close freeze begin open step stop signal")
    #expect(run.progress.unvalidated != nil && run.progress.epoch == 1)
  }

  @Test func aValidationThatIsDoneIsKeptBeforeAStop() {
    var run = MadeRun(epochs: 2, isBeside: true, validationSteps: 0)
    run.requests = [4: .asking { $0.stopBySignal = true }]
    #expect(run.course() == "open 3 steps close freeze begin open step await 1, stop signal")
    #expect(run.progress.unvalidated == nil)
  }

  @Test func aLimitLeavesTimeForTheValidation() {
    var run = MadeRun(epochs: 2, stepLimit: 4, isBeside: true, validationSteps: .max)
    #expect(
      run.course() == "open 3 steps close freeze begin open step await 1, stop stepLimit")
    // At the border of an epoch it stops in the next one.
    run = MadeRun(epochs: 2, stepLimit: 3, isBeside: true, validationSteps: .max)
    #expect(run.course() == "open 3 steps close freeze begin open await 1, stop stepLimit")
    run = MadeRun(epochs: 2, stepLimit: 4, isBeside: true, validationSteps: .max)
    run.leftValidations = [1]
    #expect(
      run.course()
        == "open 3 steps close freeze begin open step await 1 (left), stop leftValidation")
    #expect(run.progress.unvalidated != nil)
  }

  @Test func aRunStopsWhileItWaitsForALateValidation() {
    var run = MadeRun(epochs: 3, isBeside: true, validationSteps: .max)
    run.leftValidations = [1]
    #expect(
      run.course() == "open 3 steps close freeze begin open 3 steps close await 1 (left), "
        + "stop leftValidation")
    // The weights wait for their validation, and so does the closed epoch.
    #expect(run.progress.validatedEpochs == 0 && run.progress.stepInEpoch == 3)
    var resumed = MadeRun(epochs: 3, isBeside: true, validationSteps: .max)
    resumed.progress = run.progress
    #expect(
      resumed.course() == "begin open close await 1, freeze begin open 3 steps close await 2, "
        + "ask validate 3, complete")
  }

  @Test func aRunIsResumedWithAnUnvalidatedEpoch() {
    var run = MadeRun(epochs: 2, isBeside: true, validationSteps: 1)
    run.start(epoch: 1, stepInEpoch: 1, isUnvalidated: true)
    #expect(run.course() == "begin open step await 1, step close ask validate 2, complete")
    // Without --validate-async the validation comes first.
    run = MadeRun(epochs: 2)
    run.start(epoch: 1, stepInEpoch: 1, isUnvalidated: true)
    #expect(run.course() == "begin await 1, open 2 steps close ask validate 2, complete")
    run = MadeRun(epochs: 2)
    run.start(epoch: 1, stepInEpoch: 1, isUnvalidated: true)
    run.leftValidations = [1]
    #expect(run.course() == "begin await 1 (left), stop leftValidation")
  }

  @Test(arguments: [false, true]) func fewerEpochsEndWithTheUnvalidatedOne(isBeside: Bool) {
    // Saved in the second of three epochs, and resumed with --epochs 1.
    var run = MadeRun(epochs: 1, isBeside: isBeside)
    run.start(epoch: 1, stepInEpoch: 2, isUnvalidated: true)
    #expect(run.course() == "begin await 1, complete")
  }
}
