/// Record of the steps of a run that were not finite; nil in `TrainingProgress` while there is
/// none.
public struct RecoveryProgress: Codable, Equatable, Sendable {
  /// Steps skipped since the last that was not.
  public var skippedInARow = 0
  /// The first step that was skipped in the run.
  public var firstSkippedStep: Int
  /// The epoch of that step.
  public var firstSkippedEpoch: Int
  /// After each rollback, what the schedule's rate is multiplied by from there on.
  public var rateFactors: [Double] = []

  /// Record of a run whose first skipped step, from 1, is not counted yet.
  public init(firstSkippedStep: Int, firstSkippedEpoch: Int) {
    self.firstSkippedStep = firstSkippedStep
    self.firstSkippedEpoch = firstSkippedEpoch
  }
}

extension TrainingProgress {
  /// Factor of the schedule's learning rate: 1 until the first rollback.
  public var rateFactor: Double { recovery?.rateFactors.last ?? 1 }
  /// How often the run went back to a good state.
  public var rollbacks: Int { recovery?.rateFactors.count ?? 0 }
  /// Steps skipped since the last that was not.
  public var skippedInARow: Int { recovery?.skippedInARow ?? 0 }

  /// Counts a step of epoch `epoch`, whose items' losses come to `lossSum`; skipped ones enter no
  /// mean.
  package mutating func count(isSkipped: Bool, lossSum: Double, itemCount: Int, epoch: Int) {
    step += 1
    stepInEpoch += 1
    if isSkipped {
      skippedSteps += 1
      var counted =
        recovery ?? RecoveryProgress(firstSkippedStep: step, firstSkippedEpoch: epoch)
      counted.skippedInARow += 1
      recovery = counted
    } else {
      recovery?.skippedInARow = 0
      self.lossSum += lossSum
      lossCount += itemCount
    }
  }
}
