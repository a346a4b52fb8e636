/// What a rank wants to happen after the step under way, and what all ranks together want.
///
/// It travels with the sums that every step exchanges anyway, so that the ranks agree without
/// waiting for each other once more.
public struct StepRequests: Equatable, Sendable {
  /// Stop: a signal has come.
  public var stopBySignal = false
  /// Stop: the time of the job is nearly up.
  public var stopByTime = false
  /// Save, and go on.
  public var save = false
  /// Wait for the validation under way: a rank's share is not done.
  public var validating = false

  /// Wants nothing.
  public init() {}

  /// To be added up over ranks.
  package var counts: [Double] { [stopBySignal, stopByTime, save, validating].map { $0 ? 1 : 0 } }

  /// What any rank wants, of the sums of `counts`.
  init(sums: some Collection<Double>) {
    let wanted = sums.map { $0 > 0 }
    precondition(wanted.count == 4, "StepRequests: \(wanted.count) sums")
    stopBySignal = wanted[0]
    stopByTime = wanted[1]
    save = wanted[2]
    validating = wanted[3]
  }
}
