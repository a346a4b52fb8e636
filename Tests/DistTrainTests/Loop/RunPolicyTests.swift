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
    // The checkpoint of the closed epoch stands for those of steps 4 and 8.
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

  // MARK: Going back

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

/// A run without weights, whose events a test chooses: follows a policy and writes its course down.
private struct MadeRun {
  var progress = TrainingProgress()
  /// Requests of the ranks after a step of the run.
  var requests: [Int: StepRequests] = [:]
  /// Requests of the ranks before the validation of an epoch.
  var requestsBeforeValidation: [Int: StepRequests] = [:]
  /// Epochs whose validation some rank leaves.
  var leftValidations: Set<Int> = []
  /// Steps that are skipped the first time they are taken.
  var skippedOnce: Set<Int> = []
  /// Epochs at whose first end the ranks' weights differ.
  var differing: Set<Int> = []
  /// Steps of this start after which the course is cut off.
  var stopAfterSteps = Int.max

  private var policy: RunPolicy
  /// Steps that a validation beside training takes.
  private let validationSteps: Int
  private var validationAge: Int?
  private var saved = TrainingProgress()
  private var trained = TrainedEpoch(
    trainingLoss: nil, learningRate: 0, seconds: 0, stepSeconds: 0, audioSeconds: 0, dataSeconds: 0)
  private var stepsTaken = 0
  private let stepsPerEpoch: Int

  init(
    epochs: Int, stepsPerEpoch: Int = 3, stepLimit: Int? = nil, skipLimit: Int = 20,
    interval: CheckpointInterval = .standard, isBeside: Bool = false, validationSteps: Int = 0
  ) {
    policy = RunPolicy(
      epochs: epochs, stepsPerEpoch: stepsPerEpoch, stepLimit: stepLimit, skipLimit: skipLimit,
      interval: interval, validatesBesideTraining: isBeside)
    self.stepsPerEpoch = stepsPerEpoch
    self.validationSteps = validationSteps
  }

  mutating func start(epoch: Int, stepInEpoch: Int, isUnvalidated: Bool = false) {
    progress.epoch = epoch
    progress.stepInEpoch = stepInEpoch
    progress.step = epoch * stepsPerEpoch + stepInEpoch
    if isUnvalidated { progress.unvalidated = trained }
  }

  /// The actions up to the end of the run, in short.
  mutating func course() -> String {
    var words: [String] = []
    var steps = 0
    func flush() {
      if steps > 0 { words.append(steps == 1 ? "step" : "\(steps) steps") }
      steps = 0
    }
    // Enough for every test, so that a policy that runs in a circle fails.
    for _ in 0..<200 where stepsTaken < stopAfterSteps {
      let action = policy.next(progress)
      if action == .step { steps += 1 } else { flush() }
      switch action {
      case .openEpoch: words.append("open")
      case .step: step()
      case .save:
        words.append("save")
        saved = progress
      case .closeEpoch:
        words.append("close")
        let differs = differing.remove(progress.epoch + 1) != nil
        if !differs { saved = progress }
        policy.closedEpoch(replicasDiffer: differs)
      case .freezeEpoch:
        words.append("freeze")
        progress.endEpoch()
        progress.unvalidated = trained
      case .beginValidation:
        words.append("begin")
        validationAge = 0
      case .awaitValidation:
        if validationAge == nil { words.append("without a validation:") }
        end("await")
      case .askRanks:
        words.append("ask")
        policy.asked(requestsBeforeValidation[progress.epoch + 1] ?? StepRequests())
      case .validate: end("validate")
      case .goBack:
        words.append("back")
        goBack()
      case .stop(let cause):
        words.append("stop \(cause)")
        return words.joined(separator: " ")
      case .complete:
        words.append("complete")
        return words.joined(separator: " ")
      }
    }
    flush()
    return words.joined(separator: " ") + " without an end"

    func end(_ word: String) {
      let epoch = progress.validatedEpochs + 1
      let isWhole = !leftValidations.contains(epoch)
      words.append(isWhole ? "\(word) \(epoch)," : "\(word) \(epoch) (left),")
      validationAge = nil
      if isWhole {
        if word == "await" { progress.unvalidated = nil } else { progress.endEpoch() }
        saved = progress
      }
      policy.validated(isWhole: isWhole)
    }
  }

  private mutating func step() {
    stepsTaken += 1
    let number = progress.step + 1
    progress.count(
      isSkipped: skippedOnce.remove(number) != nil, lossSum: 0, itemCount: 0,
      epoch: progress.epoch + 1)
    var requests = requests[number] ?? StepRequests()
    if let age = validationAge {
      validationAge = age + 1
      requests.validating = age + 1 < validationSteps
    }
    policy.stepped(requests, progress)
  }

  private mutating func goBack() {
    let before = progress
    progress = saved
    progress.recovery =
      before.recovery ?? RecoveryProgress(firstSkippedStep: before.step, firstSkippedEpoch: 1)
    progress.recovery?.skippedInARow = 0
    progress.recovery?.rateFactors.append(0.5)
    validationAge = nil
    policy.wentBack()
  }
}

extension StepRequests {
  fileprivate static func asking(_ change: (inout StepRequests) -> Void) -> StepRequests {
    var requests = StepRequests()
    change(&requests)
    return requests
  }
}
