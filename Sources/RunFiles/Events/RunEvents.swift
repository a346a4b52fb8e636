import Foundation
import Platform

/// The events of a run in `metrics.jsonl`: its valid steps and epochs, and incidents.
package struct RunEvents {
  /// A valid step, which was not repeated after a resumption or a rollback.
  package struct Step {
    package let step: Int
    /// Mean loss over the items of the step; nil if it was not finite.
    package let loss: Double?
    let isSkipped: Bool
    /// Time that ranks waited for audio, in seconds; mean over ranks.
    package let dataSeconds: Double
    /// Time in which rank 0 loaded and computed, in seconds.
    package let busySeconds: Double
    /// Time that rank 0 waited for the exchange of gradients, in seconds.
    package let exposedSeconds: Double
  }

  /// An epoch and its validation.
  package struct Epoch {
    let epoch: Int
    /// Last step of the epoch; nil in files of earlier versions.
    let step: Int?
    package let seconds: Double
    package let validationSeconds: Double
    let dataSeconds: Double?
    package let audioSecondsPerSecond: Double
  }

  /// An incident that explains the curves.
  package struct Incident {
    /// Kind of the incident: "restart", "rollback" and so on.
    package let kind: String
    /// Time of the incident, as in the file.
    let time: String
    package let text: String
  }

  package private(set) var steps: [Step] = []
  /// Epochs by number, so that a repeated epoch counts once.
  private var epochsByNumber: [Int: Epoch] = [:]
  package private(set) var incidents: [Incident] = []
  /// Steps after which the run was rolled back.
  package private(set) var rollbacks: [Int] = []
  /// Steps of the valid checkpoints, and the duration of writing each.
  private var checkpoints: [(step: Int, seconds: Double)] = []
  /// Number of all checkpoints.
  package private(set) var checkpointCount = 0
  package private(set) var startCount = 0
  /// Number of skipped steps, repeated ones included.
  package private(set) var skippedCount = 0
  /// Corpus and number of ranks of the last start.
  package private(set) var data: String?
  package private(set) var ranks: Int?
  package private(set) var program: String?
  package private(set) var kernels: String?
  /// Times of the first and of the last event.
  package private(set) var firstTime: String?
  package private(set) var lastTime: String?
  private var stepOfLastWaiting = 0
  private var slowPasses: Set<Int> = []

  /// Reads the lines of a file, without lines that cannot be parsed, since a later version may have
  /// written them.
  package init(_ lines: [String]) {
    let decoder = JSONDecoder()
    for line in lines {
      guard let event = try? decoder.decode(Event.self, from: Data(line.utf8)) else { continue }
      firstTime = firstTime ?? event.time
      lastTime = event.time ?? lastTime
      add(event)
    }
  }

  /// The finished epochs, in order.
  package var epochs: [Epoch] { epochsByNumber.values.sorted { $0.epoch < $1.epoch } }

  /// Last step of the last finished epoch. Files of earlier versions do not have the ends of
  /// epochs: there all steps count as steps of finished epochs.
  private var lastFinishedStep: Int { epochs.last?.step ?? .max }

  /// The steps of the finished epochs.
  package var finishedSteps: [Step] {
    let last = lastFinishedStep
    return steps.filter { $0.step <= last }
  }

  /// Duration of writing the checkpoints of the finished epochs, in seconds.
  package var finishedCheckpointSeconds: Double {
    let last = lastFinishedStep
    return checkpoints.filter { $0.step <= last }.reduce(0) { $0 + $1.seconds }
  }

  private mutating func add(_ event: Event) {
    switch event.event {
    case "step": addStep(event)
    case "epoch": addEpoch(event)
    case "checkpoint":
      checkpointCount += 1
      checkpoints.append((event.step ?? 0, event.seconds ?? 0))
    case "start": addStart(event)
    case "rollback":
      if let from = event.fromStep { rollbacks.append(from) }
      forget(after: event.step ?? 0)
    case "waiting": addWaiting(event)
    default: break
    }
    if let text = event.incident(startCount: startCount) {
      incidents.append(Incident(kind: event.event, time: event.time ?? "", text: text))
    }
  }

  private mutating func addStep(_ event: Event) {
    guard let step = event.step else { return }
    let isSkipped = event.skipped ?? false
    if isSkipped { skippedCount += 1 }
    steps.append(
      Step(
        step: step, loss: event.loss, isSkipped: isSkipped, dataSeconds: event.dataSeconds ?? 0,
        busySeconds: event.busySeconds ?? 0, exposedSeconds: event.exposedSeconds ?? 0))
  }

  private mutating func addEpoch(_ event: Event) {
    guard let epoch = event.epoch, let seconds = event.seconds else { return }
    let validation = event.validationSeconds ?? 0
    epochsByNumber[epoch] = Epoch(
      epoch: epoch, step: event.step, seconds: seconds, validationSeconds: validation,
      dataSeconds: event.dataSeconds, audioSecondsPerSecond: event.audioRate ?? 0)
    let wait = DataWait(
      seconds: event.dataSeconds ?? 0, trainingSeconds: max(0, seconds - validation))
    if let warning = wait.warning(epoch: epoch) {
      slowPasses.insert(epoch)
      // Only the last warning is kept, since the first epochs fill caches.
      incidents.removeAll { $0.kind == "data" }
      let before = slowPasses.count { $0 < epoch }
      let passes = NumberText.count(before, "pass", plural: "passes")
      let others = before > 0 ? " (and \(passes) before it)" : ""
      incidents.append(Incident(kind: "data", time: event.time ?? "", text: warning + others))
    }
  }

  private mutating func addStart(_ event: Event) {
    startCount += 1
    data = event.data ?? data
    ranks = event.ranks ?? ranks
    program = event.program ?? program
    kernels = event.kernels ?? kernels
    forget(after: event.step ?? 0)
  }

  /// Drops all events after `step`, which the run repeats.
  private mutating func forget(after step: Int) {
    while let last = steps.last, last.step > step { steps.removeLast() }
    checkpoints.removeAll { $0.step > step }
    epochsByNumber = epochsByNumber.filter { ($0.value.step ?? 0) <= step }
    stepOfLastWaiting = min(stepOfLastWaiting, step)
  }

  private mutating func addWaiting(_ event: Event) {
    guard let step = event.step, let waited = event.waitedSeconds else { return }
    let seconds = steps.reversed().prefix { $0.step > stepOfLastWaiting }
      .reduce(0) { $0 + $1.busySeconds + $1.exposedSeconds }
    stepOfLastWaiting = step
    guard seconds > 0, waited > StragglerReport.notableShare * seconds else { return }
    let text = String(
      format: "after step %d: ranks waited %.1f s for each other (%.1f%% of the steps), most for "
        + "rank %d on %@, the last in %d of %d steps", step, waited, 100 * waited / seconds,
      event.rank ?? 0, event.host ?? "?", event.stepsLast ?? 0, event.steps ?? 0)
    incidents.append(Incident(kind: "waiting", time: event.time ?? "", text: text))
  }
}
