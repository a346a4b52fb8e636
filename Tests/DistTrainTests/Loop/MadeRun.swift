import Checkpoints
import DistTrain
import Platform
import RunFiles

/// A run without weights, whose events a test chooses: follows a policy and writes its course down.
struct MadeRun {
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
  /// Epochs that are better than those before; nil for all.
  var better: Set<Int>?
  /// Steps of this start after which the course is cut off.
  var stopAfterSteps = Int.max

  /// Epochs that were validated.
  private(set) var ended: [Int] = []
  /// Counters of the newest checkpoint.
  private(set) var saved = TrainingProgress()

  private var policy: RunPolicy
  /// Steps that a validation beside training takes.
  private let validationSteps: Int
  private var validationAge: Int?
  private var trained = EpochFigures(
    trainingLoss: nil, learningRate: 0, seconds: 0, stepSeconds: 0, audioSeconds: 0, dataSeconds: 0)
  private var stepsTaken = 0
  private let stepsPerEpoch: Int

  init(
    epochs: Int, stepsPerEpoch: Int = 3, stepLimit: Int? = nil, skipLimit: Int = 20,
    interval: CheckpointInterval = .standard, isBeside: Bool = false, validationSteps: Int = 0,
    patience: Int? = nil
  ) {
    policy = RunPolicy(
      epochs: epochs, stepsPerEpoch: stepsPerEpoch, stepLimit: stepLimit, skipLimit: skipLimit,
      interval: interval, validatesBesideTraining: isBeside, patience: patience)
    self.stepsPerEpoch = stepsPerEpoch
    self.validationSteps = validationSteps
  }

  mutating func start(epoch: Int, stepInEpoch: Int, isUnvalidated: Bool = false) {
    progress.epoch = epoch
    progress.stepInEpoch = stepInEpoch
    progress.step = epoch * stepsPerEpoch + stepInEpoch
    if isUnvalidated { progress.unvalidated = trained }
  }

  /// The actions up to the end of the run, in short, or up to this number of them: enough for every
  /// test, so that a policy that runs in a circle fails.
  mutating func course(actions: Int = 200) -> String {
    var words: [String] = []
    var steps = 0
    func flush() {
      if steps > 0 { words.append(steps == 1 ? "step" : "\(steps) steps") }
      steps = 0
    }
    for _ in 0..<actions where stepsTaken < stopAfterSteps {
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
        if better?.contains(epoch) ?? true { progress.bestEpoch = epoch }
        saved = progress
        ended.append(epoch)
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
  static func asking(_ change: (inout StepRequests) -> Void) -> StepRequests {
    var requests = StepRequests()
    change(&requests)
    return requests
  }
}
