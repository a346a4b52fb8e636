import Foundation
import Platform

/// Follows the `metrics.jsonl` of a run.
struct EventStatusReader: StatusReader {
  private(set) var status = RunStatus()
  /// Step numbers and times of the last steps of this start, for speed and time left.
  private var steps: [(step: Int, time: Date)] = []
  private var audioSecondsPerStep: Double?
  private var validationSeconds: Double?
  private let decoder = JSONDecoder()

  /// Steps over which speed is measured.
  private static let window = 20

  /// `epochs` are those of the run's configuration, which older event files do not tell.
  init(epochs: Int? = nil) {
    status.epochs = epochs
    decoder.keyDecodingStrategy = .convertFromSnakeCase
  }

  mutating func read(_ line: Substring, modified: Date?) {
    guard let event = try? decoder.decode(Event.self, from: Data(line.utf8)) else { return }
    let time = event.time.flatMap(Self.date)
    status.heard = time ?? status.heard
    switch event.event {
    case "start": start(event, time)
    case "step": step(event, time)
    case "epoch": epoch(event, time)
    case "stop":
      status.state = .stopped(event.reason ?? "")
      status.tell("stopped after step \(event.step ?? 0): \(event.reason ?? "")", at: time)
    case "rollback":
      status.tell("went back to step \(event.step ?? 0)", at: time)
      goBack(to: event.step, keepsBest: true)
    case "nonfinite":
      status.tell("step \(event.step ?? 0) was not finite", at: time)
    case "diverged":
      status.state = .failed("diverged")
      status.tell("diverged after step \(event.step ?? 0)", at: time)
    case "fallback":
      status.tell("a checkpoint was damaged: \(event.reason ?? "")", at: time)
    default: break
    }
    estimate()
  }

  private mutating func start(_ event: Event, _ time: Date?) {
    status.state = .running
    status.epochs = event.epochs ?? status.epochs
    status.stepsPerEpoch = event.stepsPerEpoch ?? status.stepsPerEpoch
    audioSecondsPerStep = event.audioSecondsPerStep ?? audioSecondsPerStep
    status.speed = nil
    goBack(to: event.step, keepsBest: false)
    if let time, let step = event.step { steps = [(step, time)] }
    let ranks = event.ranks.map { ", " + NumberText.count($0, "rank") } ?? ""
    let step = event.step ?? 0
    status.tell((step == 0 ? "started" : "continued after step \(step)") + ranks, at: time)
    if let epochs = status.epochs, status.epoch >= epochs { status.state = .complete }
  }

  private mutating func step(_ event: Event, _ time: Date?) {
    guard let step = event.step else { return }
    status.state = .running
    status.loss = event.loss ?? status.loss
    if event.skipped == true { status.skipped(step: step) }
    if let all = status.stepsPerEpoch, all > 0 {
      status.stepInEpoch = step % all == 0 ? all : step % all
    }
    guard let time else { return }
    steps.append((step, time))
    if steps.count > Self.window + 1 { steps.removeFirst() }
  }

  private mutating func epoch(_ event: Event, _ time: Date?) {
    guard let number = event.epoch else { return }
    let place = status.stepInEpoch
    status.ended(epoch: number, step: event.step, pesq: event.pesq, noisy: event.noisyPesq)
    // A validation beside training ends while the next epoch is under way.
    if let place, let all = status.stepsPerEpoch, place < all { status.stepInEpoch = place }
    status.speed = event.audioSecondsPerSecond ?? status.speed
    validationSeconds = event.validationSeconds ?? validationSeconds
    func text(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "nan" }
    status.tell(
      "pass \(number): pesq \(text(event.pesq)), noisy \(text(event.noisyPesq)), loss "
        + "\(text(event.loss)), train-loss \(text(event.trainLoss))",
      at: time)
    // Speed is that of steps, without what came between.
    if let last = steps.last, let time { steps = [(last.step, time)] }
  }

  /// The run goes on from `step`: what came after it is done again.
  private mutating func goBack(to step: Int?, keepsBest: Bool) {
    let last = steps.last?.step ?? 0
    steps = []
    guard let step else { return }
    if last > step { status.loss = nil }
    status.wentBack(toStep: step, keepsBest: keepsBest)
    if let all = status.stepsPerEpoch, all > 0 { status.stepInEpoch = step % all }
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

  /// A line of the file, as far as it is of interest here.
  private struct Event: Decodable {
    let event: String
    let time: String?
    let step: Int?
    let epoch: Int?
    let epochs: Int?
    let stepsPerEpoch: Int?
    let audioSecondsPerStep: Double?
    let ranks: Int?
    let loss: Double?
    let trainLoss: Double?
    let pesq: Double?
    let noisyPesq: Double?
    let audioSecondsPerSecond: Double?
    let validationSeconds: Double?
    let skipped: Bool?
    let reason: String?
  }

  /// Reads `2026-11-26T03:40:36.123Z`, which is UTC.
  static func date(_ text: String) -> Date? {
    let fields = text.split { !$0.isNumber && $0 != "." }
    guard fields.count == 6, let seconds = Double(fields[5]) else { return nil }
    let whole = fields.prefix(5).compactMap { Int32($0) }
    guard whole.count == 5 else { return nil }
    var parts = tm()
    parts.tm_year = whole[0] - 1900
    parts.tm_mon = whole[1] - 1
    parts.tm_mday = whole[2]
    parts.tm_hour = whole[3]
    parts.tm_min = whole[4]
    return Date(timeIntervalSince1970: Double(timegm(&parts)) + seconds)
  }
}
