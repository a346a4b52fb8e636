import Foundation

/// One start of a job, and what became of it.
package struct LaunchAttempt: Equatable, Sendable {
  /// When it was started.
  package var start: Date
  /// How long it ran.
  package var seconds: Double
  /// How it ended.
  package var status: JobStatus
  /// The newest checkpoint's step before; nil if there was none.
  package var stepBefore: Int?
  /// The newest checkpoint's step afterwards; nil if there was none.
  package var stepAfter: Int?

  /// Record of one start of a job: `seconds` of wall-clock time, and the steps of the newest
  /// checkpoint before and after it, each nil without a checkpoint.
  package init(
    start: Date, seconds: Double, status: JobStatus, stepBefore: Int?, stepAfter: Int?
  ) {
    self.start = start
    self.seconds = seconds
    self.status = status
    self.stepBefore = stepBefore
    self.stepAfter = stepAfter
  }

  /// Whether it saved anything. A run that went back has saved too, with a lower step.
  package var hasSaved: Bool { stepAfter != nil && stepAfter != stepBefore }
}

/// Whether a job that ended is started again.
package struct RestartPolicy: Equatable, Sendable {
  /// Restarts of the whole launch at most.
  package var limit: Int
  /// Seconds before the first restart. Each further one without progress waits twice as long, up to
  /// five minutes.
  package var delay: Double
  /// Crashes in a row that saved nothing new, after which another start is no use.
  package static let fruitlessLimit = 3
  private static let longestDelay = 300.0

  /// Policy of `limit` restarts; `delay` is in seconds.
  package init(limit: Int, delay: Double) {
    self.limit = limit
    self.delay = delay
  }

  /// Action that follows an attempt.
  package enum Decision: Equatable, Sendable {
    /// The job has ended of itself, or was asked to.
    case end
    /// It crashed and is not started again, for this reason.
    case giveUp(reason: String)
    /// It is started again after so many seconds.
    case restart(delay: Double)
  }

  /// Decides the action that follows the last of `attempts`.
  package func decision(after attempts: [LaunchAttempt], isStopAsked: Bool) -> Decision {
    guard let last = attempts.last, last.status.isCrash, !isStopAsked else { return .end }
    if attempts.count > limit {
      return .giveUp(
        reason: limit == 0
          ? "--max-restarts 0 allows no restart"
          : "--max-restarts \(limit) allows no further restart")
    }
    let fruitless = attempts.reversed().prefix { !$0.hasSaved }.count
    if fruitless >= Self.fruitlessLimit {
      return .giveUp(
        reason: "\(fruitless) attempts in a row have crashed without saving anything new")
    }
    let doublings = Double(max(0, fruitless - 1))
    return .restart(delay: min(delay * pow(2, doublings), max(delay, Self.longestDelay)))
  }
}
