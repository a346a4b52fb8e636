import Foundation
import Platform
import RunFiles

/// Follows the events of a run.
struct EventStatusReader: StatusReader {
  private(set) var status = RunStatus()
  /// Step numbers and times of the last steps of this start, for speed and time left.
  private var steps: [(step: Int, time: Date)] = []
  private var audioSecondsPerStep: Double?
  private var validationSeconds: Double?

  /// Steps over which speed is measured.
  private static let window = 20

  /// `epochs` are those of the run's configuration, which older event files do not tell.
  init(epochs: Int? = nil) { status.epochs = epochs }

  mutating func read(bytes line: UnsafeRawBufferPointer, modified: Date?) {
    guard let logged = try? LoggedEvent(bytes: line) else { return }
    let time = logged.date
    status.heard = time ?? status.heard
    if status.state == .waiting { status.state = .running }
    if let event = logged.event { apply(event, time) }
    estimate()
  }

  private mutating func apply(_ event: RunEvent, _ time: Date?) {
    let place = status.stepInEpoch
    status.apply(event)
    if let step = event.resumedStep {
      // Nothing is known of the step that the run goes on from, if others came after it.
      if steps.last?.step ?? 0 > step { status.loss = nil }
      steps = []
    }
    switch event {
    case .start(let fields): start(fields, time)
    case .step(let fields): step(fields, time)
    case .epoch(let fields): epoch(fields, time, place)
    case .stop(let stop):
      status.state = .stopped(stop.reason)
      status.tell("stopped after step \(stop.step): \(stop.reason)", at: time)
    case .rollback(let rollback): status.tell("went back to step \(rollback.step)", at: time)
    case .nonFinite(let report): status.tell("step \(report.step) was not finite", at: time)
    case .diverged(let end):
      status.state = .failed("diverged")
      status.tell("diverged after step \(end.step)", at: time)
    case .fallback(let fallback):
      status.tell("a checkpoint was damaged: \(fallback.reason)", at: time)
    case .leftOut(let report):
      status.tell(
        "left out of step \(report.step): \(report.utterances.joined(separator: ", "))", at: time)
    case .unlabelled(let report):
      status.tell(
        "no label in step \(report.step): \(report.utterances.joined(separator: ", "))", at: time)
    case .checkpoint, .waiting, .discriminator: break
    }
  }

  private mutating func start(_ start: RunEvent.Start, _ time: Date?) {
    status.state = .running
    status.epochs = start.epochs ?? status.epochs
    audioSecondsPerStep = start.audioSecondsPerStep ?? audioSecondsPerStep
    status.speed = nil
    if let time { steps = [(start.step, time)] }
    let ranks = start.ranks.map { ", " + NumberText.count($0, "rank") } ?? ""
    status.tell(
      (start.step == 0 ? "started" : "continued after step \(start.step)") + ranks, at: time)
    if let epochs = status.epochs, status.epoch >= epochs { status.state = .complete }
  }

  private mutating func step(_ step: RunEvent.Step, _ time: Date?) {
    status.state = .running
    status.loss = step.loss ?? status.loss
    if let all = status.stepsPerEpoch, all > 0 {
      status.stepInEpoch = step.step % all == 0 ? all : step.step % all
    }
    guard let time else { return }
    steps.append((step.step, time))
    if steps.count > Self.window + 1 { steps.removeFirst() }
  }

  private mutating func epoch(_ epoch: RunEvent.Epoch, _ time: Date?, _ place: Int?) {
    let report = epoch.report
    // A validation beside training ends while the next epoch is under way.
    if let place, let all = status.stepsPerEpoch, place < all { status.stepInEpoch = place }
    if report.audioSecondsPerSecond > 0 { status.speed = report.audioSecondsPerSecond }
    validationSeconds = report.validationSeconds ?? validationSeconds
    func text(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "nan" }
    status.tell(
      "epoch \(report.epoch): pesq \(text(report.pesq)), noisy \(text(report.noisyPESQ)), loss "
        + "\(text(report.validationLoss)), train-loss \(text(report.trainingLoss))",
      at: time)
    // Speed is that of steps, without what came between.
    if let last = steps.last, let time { steps = [(last.step, time)] }
  }

  /// Time left: steps as they have lately been, and validations as the last was.
  private mutating func estimate() {
    guard status.state == .running else {
      status.secondsLeft = nil
      return
    }
    guard let first = steps.first, let last = steps.last, last.step > first.step else { return }
    let perStep = last.time.timeIntervalSince(first.time) / Double(last.step - first.step)
    if perStep > 0, let audioSecondsPerStep { status.speed = audioSecondsPerStep / perStep }
    guard let epochs = status.epochs, let all = status.stepsPerEpoch else { return }
    let steps = max(0, Double(epochs) * Double(all) - Double(last.step))
    let validations = max(0, Double(epochs) - Double(status.epoch))
    status.secondsLeft = steps * perStep + validations * (validationSeconds ?? 0)
  }
}
