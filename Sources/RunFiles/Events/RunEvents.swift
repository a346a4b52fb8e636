import Foundation
import Platform

/// What `metrics.jsonl` tells of a run: its steps and passes as they count, and what happened.
package struct RunEvents {
  /// A step that counts: none that was done again after a resumption or a rollback.
  package struct Step {
    package let step: Int
    /// Mean over its items; nil if it was not finite.
    package let loss: Double?
    let isSkipped: Bool
    /// Seconds that ranks waited for audio, mean over ranks.
    package let dataSeconds: Double
    /// Seconds in which rank 0 loaded and computed.
    package let busySeconds: Double
    /// Seconds that rank 0 stood still for the exchange of gradients.
    package let exposedSeconds: Double
  }

  /// A pass and its validation.
  package struct Epoch {
    let epoch: Int
    /// The last step of it; nil in files of earlier versions.
    let step: Int?
    package let seconds: Double
    package let validationSeconds: Double
    let dataSeconds: Double?
    package let audioSecondsPerSecond: Double
  }

  /// Something that a reader of the curves should know.
  package struct Incident {
    /// What kind of thing: "restart", "rollback" and so on.
    package let kind: String
    /// When, as the file has it.
    let time: String
    package let text: String
  }

  package private(set) var steps: [Step] = []
  /// By number: a pass that was done again counts once.
  private var epochsByNumber: [Int: Epoch] = [:]
  package private(set) var incidents: [Incident] = []
  /// Steps after which the run went back.
  package private(set) var rollbacks: [Int] = []
  /// The steps that checkpoints were written after, and how long that took; those that count.
  private var checkpoints: [(step: Int, seconds: Double)] = []
  /// Of all checkpoints.
  package private(set) var checkpointCount = 0
  package private(set) var startCount = 0
  /// Steps that were skipped, those that were done again included.
  package private(set) var skippedCount = 0
  /// Of the last start.
  package private(set) var data: String?
  package private(set) var ranks: Int?
  package private(set) var program: String?
  package private(set) var kernels: String?
  /// Times of the first and of the last event.
  package private(set) var firstTime: String?
  package private(set) var lastTime: String?
  private var stepOfLastWaiting = 0
  private var slowPasses: Set<Int> = []

  /// Reads the lines of a file. Those that are not understood are left out: a later version may
  /// have written them.
  package init(_ lines: [String]) {
    let decoder = JSONDecoder()
    for line in lines {
      guard let event = try? decoder.decode(Event.self, from: Data(line.utf8)) else { continue }
      firstTime = firstTime ?? event.time
      lastTime = event.time ?? lastTime
      add(event)
    }
  }

  /// The finished passes, in order.
  package var epochs: [Epoch] { epochsByNumber.values.sorted { $0.epoch < $1.epoch } }

  /// The last step of the last finished pass. Files of earlier versions do not tell where passes
  /// end: in those, all steps count as such of finished passes.
  private var lastFinishedStep: Int { epochs.last?.step ?? .max }

  /// The steps of the finished passes.
  package var finishedSteps: [Step] {
    let last = lastFinishedStep
    return steps.filter { $0.step <= last }
  }

  /// What the checkpoints of the finished passes took.
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
      // One line for all: the last, since first passes fill caches.
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

  /// Drops what follows `step`: it is done again.
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
        + "rank %d on %@, the last in %d of %@", step, waited, 100 * waited / seconds,
      event.rank ?? 0, event.host ?? "?", event.stepsLast ?? 0,
      NumberText.count(event.steps ?? 0, "step"))
    incidents.append(Incident(kind: "waiting", time: event.time ?? "", text: text))
  }
}
