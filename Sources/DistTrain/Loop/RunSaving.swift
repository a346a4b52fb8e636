import Checkpoints
import Communication
import Foundation
import Platform
import Recipes
import RunFiles
import Tracing

/// Why a run ends before its last epoch.
public enum StopReason: Equatable, Sendable {
  /// As many steps are done as were asked for.
  case stepLimit
  /// A signal came, on this rank or another; its name is known where it came.
  case signal(String?)
  /// The time of the job is nearly up.
  case time(String)
}

/// Saves a run and decides when it stops, for all ranks together: rank 0 looks at the clock and
/// writes, every rank looks for signals.
package final class RunSaving {
  /// Where it saves.
  let store: CheckpointStore
  /// When it saves within an epoch.
  let interval: CheckpointInterval
  private let log: RunLog
  private let trace: RunTrace?
  private let communicator: any Communicator
  private let end: JobEnd?
  private let receivedSignal: () -> String?
  private let confirmOwner: () throws -> Void
  private var clock: RunClock
  /// Progress of the run at the last save, if no step was done since.
  private var lastSaved: TrainingProgress?

  /// `receivedSignal` names the signal that asked this rank to stop, nil as long as none has.
  /// The `trace` records each save. `confirmOwner` throws on rank 0 if the run folder belongs to
  /// another process by now.
  package init(
    store: CheckpointStore, interval: CheckpointInterval, end: JobEnd?, margin: Double?,
    receivedSignal: @escaping () -> String?, confirmOwner: @escaping () throws -> Void = {},
    log: RunLog, trace: RunTrace? = nil, over communicator: any Communicator
  ) {
    self.store = store
    self.interval = interval
    self.log = log
    self.trace = trace
    self.communicator = communicator
    self.end = end
    self.receivedSignal = receivedSignal
    self.confirmOwner = confirmOwner
    clock = RunClock(interval: interval, end: end?.uptime, margin: margin)
  }

  /// Runs a step, and keeps its time.
  func timingStep<Result>(_ step: () throws -> Result) rethrows -> Result {
    lastSaved = nil
    clock.stepBegins()
    defer { clock.stepEnded() }
    return try step()
  }

  /// Requests of this rank: to stop by any signal and, on rank 0, whatever the clock asks for.
  var requests: StepRequests {
    var requests = StepRequests()
    requests.stopBySignal = receivedSignal() != nil
    if communicator.isRoot {
      requests.stopByTime = clock.isTimeUp
      requests.save = clock.isSaveDue
    }
    return requests
  }

  /// Saves the run unless it was saved as it stands. All ranks call it together.
  ///
  /// - Throws: `RootFailure` on all ranks if rank 0 could not; what was saved before is there.
  package func save(_ trainer: Trainer) throws {
    guard trainer.state.progress != lastSaved else { return }
    communicator.enter(.saving)
    let saved = try (trace?.recorder).measure(.save) {
      try write { try store.save(trainer.state, trainer.configuration) }
    }
    lastSaved = trainer.state.progress
    clock.saved(seconds: saved.seconds)
    log.line(
      String(
        format: "saved step %d (%.1f MB in %.2f s): ", saved.step,
        Double(saved.bytes) / 1e6, saved.seconds) + saved.file)
    log.append(.checkpoint(saved))
  }

  /// Result of `body`, which writes into the run folder on rank 0, on all ranks.
  ///
  /// - Throws: `RootFailure` on all ranks if `body` throws, or the folder is another process's.
  func write<Result: Codable>(_ body: () throws -> Result) throws -> Result {
    try RootDecision(communicator).value {
      try confirmOwner()
      return try body()
    }
  }

  /// Requests of all ranks before a validation: to stop if something asks for it, or if the time
  /// left is too short for a validation as long as the last. All ranks call it together.
  func requestsBeforeValidation() throws(CommunicationError) -> StepRequests {
    var requests = requests
    if communicator.isRoot && !clock.hasTimeForValidation { requests.stopByTime = true }
    return StepRequests(sums: try communicator.allReduceSum(requests.counts))
  }

  /// Whether this rank wants to leave the validation under way.
  func wantsToStopValidation() -> Bool {
    receivedSignal() != nil || (communicator.isRoot && clock.isTimeUp)
  }

  /// The reason of a stop with what this rank knows of it.
  func reason(_ cause: RunPolicy.StopCause) -> StopReason {
    switch cause {
    case .stepLimit: return .stepLimit
    case .signal: return .signal(receivedSignal())
    case .time: return .time(end?.origin ?? "")
    case .leftValidation:
      let isTimeUp = receivedSignal() == nil && communicator.isRoot && clock.isTimeUp
      return reason(isTimeUp ? .time : .signal)
    }
  }

  /// A validation took so many seconds.
  func validated(seconds: Double) { clock.validated(seconds: seconds) }

  /// Says why the run stops, which is saved; in the validation of epoch `validated` if it was.
  package func report(_ reason: StopReason, _ progress: TrainingProgress, validated: Int? = nil) {
    let steps = NumberText.count(progress.step, "step")
    let place = validated.map { "\(steps), in the validation of epoch \($0)" } ?? steps
    let goingOn = "the same command with --resume goes on"
    let cause: String
    switch reason {
    case .stepLimit:
      cause = "as asked"
      log.line("stopped after \(place) as asked; \(goingOn)")
    case .signal(let name):
      cause = name ?? "signal to another rank"
      log.line(
        "stopped after \(place) by \(name ?? "a signal to another rank"); saved, and \(goingOn)")
    case .time(let origin):
      cause = origin
      log.line(
        "stopped after \(place), before the end of the time (\(origin)); saved, and "
          + goingOn)
    }
    log.append(.stop(.init(step: progress.step, reason: cause)))
  }
}
