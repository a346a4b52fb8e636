import Checkpoints
import Platform

/// Decides the order of a run: steps, checkpoints, validations, rollbacks and its end.
///
/// `next` names one action, which the caller follows on all ranks together; results of an action
/// return through `stepped`, `closedEpoch`, `asked`, `validated` and `wentBack` before `next` is
/// called again. Nothing here knows clocks, files or messages, and every input is equal on all
/// ranks, so that all ranks follow the same actions without asking each other.
///
/// An epoch is opened, stepped through, closed, and then validated: while training waits, or beside
/// the steps of the next epoch. A validation beside training is awaited as soon as every rank's
/// share of it is done, and at the latest before the next epoch's own validation, so that epochs
/// end in their order.
package struct RunPolicy: Sendable {
  /// One action of a run.
  package enum Action: Equatable, Sendable {
    /// Begins to count and measure the epoch after `progress.epoch`, or the rest of it.
    case openEpoch
    /// Takes one step.
    case step
    /// Writes a checkpoint within an epoch.
    case save
    /// Measures the epoch whose steps are done, compares the ranks' weights and saves.
    case closeEpoch
    /// Keeps the weights of the closed epoch for a validation beside training, and counts the
    /// epoch.
    case freezeEpoch
    /// Starts to validate the kept weights beside whatever follows.
    case beginValidation
    /// Waits for the validation beside training, and ends its epoch.
    case awaitValidation
    /// Asks all ranks whether to stop before a validation that training waits for.
    case askRanks
    /// Validates the closed epoch while training waits, and ends it.
    case validate
    /// Returns to the last good state.
    case goBack
    /// Saves, reports the cause, and ends the run.
    case stop(StopCause)
    /// Ends the run, whose epochs are all done.
    case complete
  }

  /// A cause to end a run before its last epoch.
  package enum StopCause: Equatable, Sendable {
    /// The run has as many steps as were asked for.
    case stepLimit
    /// A signal arrived on some rank.
    case signal
    /// The time of the job is nearly over.
    case time
    /// A rank left the validation of the epoch after `progress.validatedEpochs`.
    case leftValidation
  }

  /// The part of an epoch that the run is in.
  private enum Phase: Equatable {
    case betweenEpochs
    case beforeStep
    /// A step is done, and the ranks' requests with it are not all followed.
    case afterStep(StepRequests)
    case closed
    /// No rank asks to stop before the validation.
    case agreed
    case mustGoBack
    case mustStop(StopCause)
  }

  private let epochs: Int
  private let stepsPerEpoch: Int
  private let stepLimit: Int?
  private let skipLimit: Int
  private let interval: CheckpointInterval
  private let validatesBesideTraining: Bool
  private let patience: Int?
  private var phase = Phase.betweenEpochs
  private var isValidating = false

  /// The policy of a run that begins or is resumed.
  ///
  /// - Parameters:
  ///   - epochs: epochs of the whole run.
  ///   - stepsPerEpoch: steps of each.
  ///   - stepLimit: steps of the run after which it stops; nil for none.
  ///   - skipLimit: skipped steps in a row after which it goes back.
  ///   - interval: when to save within an epoch; an interval in seconds is the clock's business,
  ///     and reaches the policy as a request.
  ///   - validatesBesideTraining: whether an epoch is validated beside the steps of the next.
  ///   - patience: epochs without a better one after which the run is over; nil for never.
  package init(
    epochs: Int, stepsPerEpoch: Int, stepLimit: Int? = nil,
    skipLimit: Int = NonFinitePolicy().skipLimit, interval: CheckpointInterval = .standard,
    validatesBesideTraining: Bool = false, patience: Int? = nil
  ) {
    self.epochs = epochs
    self.stepsPerEpoch = stepsPerEpoch
    self.stepLimit = stepLimit
    self.skipLimit = skipLimit
    self.interval = interval
    self.validatesBesideTraining = validatesBesideTraining
    self.patience = patience
  }

  /// Whether no epoch was better than the best one for as long as the patience lasts.
  ///
  /// Decided between epochs only, so that a run that is resumed within one ends where it would have
  /// ended. Beside training the scores of an epoch come after the next has begun, so they count an
  /// epoch later, however fast they came.
  package func isOutOfPatience(_ progress: TrainingProgress) -> Bool {
    guard let patience, progress.stepInEpoch == 0, progress.validatedEpochs > 0 else {
      return false
    }
    let known = validatesBesideTraining ? progress.epoch - 1 : progress.validatedEpochs
    return known - (progress.bestEpoch ?? 0) >= patience
  }

  /// The next action of a run with these counters.
  package mutating func next(_ progress: TrainingProgress) -> Action {
    switch phase {
    case .mustStop(let cause): return .stop(cause)
    case .mustGoBack: return .goBack
    case _ where progress.unvalidated != nil && !isValidating:
      isValidating = true
      return .beginValidation
    case .betweenEpochs: return nextBetweenEpochs(progress)
    case .afterStep(let requests): return nextAfterStep(requests, progress)
    case .beforeStep: return nextStep(progress)
    case .closed: return nextAfterClosing(progress)
    case .agreed: return .validate
    }
  }

  private mutating func nextBetweenEpochs(_ progress: TrainingProgress) -> Action {
    let isOver = progress.epoch >= epochs || isOutOfPatience(progress)
    // A run that validated beside training may be resumed without. After the last epoch there is no
    // training to overlap with.
    if isValidating && (isOver || !validatesBesideTraining) { return .awaitValidation }
    if isOver { return .complete }
    phase = .beforeStep
    return .openEpoch
  }

  private mutating func nextAfterStep(
    _ requests: StepRequests, _ progress: TrainingProgress
  ) -> Action {
    if isValidating && !requests.validating { return .awaitValidation }
    if let cause = StopCause(requests) { return .stop(cause) }
    phase = .beforeStep
    // After the last step the checkpoint of the closed epoch follows.
    if progress.stepInEpoch < stepsPerEpoch,
      requests.save || interval.isDue(afterStep: progress.step)
    {
      return .save
    }
    return nextStep(progress)
  }

  private func nextStep(_ progress: TrainingProgress) -> Action {
    if progress.stepInEpoch >= stepsPerEpoch { return .closeEpoch }
    guard let stepLimit, progress.step >= stepLimit else { return .step }
    // A limit, unlike signals and time, leaves time for the validation.
    return isValidating ? .awaitValidation : .stop(.stepLimit)
  }

  private mutating func nextAfterClosing(_ progress: TrainingProgress) -> Action {
    if isValidating { return .awaitValidation }
    guard validatesBesideTraining, progress.epoch + 1 < epochs else { return .askRanks }
    phase = .betweenEpochs
    return .freezeEpoch
  }

  /// Takes note of a step, whose counters `progress` has, and of what the ranks ask for after it.
  package mutating func stepped(_ requests: StepRequests, _ progress: TrainingProgress) {
    phase = progress.skippedInARow >= skipLimit ? .mustGoBack : .afterStep(requests)
  }

  /// Takes note that an epoch was closed. Weights that differ between the ranks while steps are
  /// skipped are repaired by going back.
  package mutating func closedEpoch(replicasDiffer: Bool) {
    phase = replicasDiffer ? .mustGoBack : .closed
  }

  /// Takes note of what the ranks ask for before a validation.
  package mutating func asked(_ requests: StepRequests) {
    phase = StopCause(requests).map { .mustStop($0) } ?? .agreed
  }

  /// Takes note of the end of the validation that was awaited, or that training waited for.
  ///
  /// - Parameter isWhole: false if a rank left it, so that there are no scores.
  package mutating func validated(isWhole: Bool) {
    isValidating = false
    if phase == .agreed { phase = .betweenEpochs }
    if !isWhole { phase = .mustStop(.leftValidation) }
  }

  /// Takes note that the run is at its last good state, and any validation under way was given up.
  package mutating func wentBack() {
    isValidating = false
    phase = .betweenEpochs
  }
}

extension RunPolicy.StopCause {
  /// The cause that ranks ask to stop for; nil if none does. A signal is the more urgent one.
  fileprivate init?(_ requests: StepRequests) {
    if requests.stopBySignal {
      self = .signal
    } else if requests.stopByTime {
      self = .time
    } else {
      return nil
    }
  }
}
