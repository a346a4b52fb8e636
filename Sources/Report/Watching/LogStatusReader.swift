import Foundation
import Platform

/// Follows what a run writes to its log, where there is no run folder to look into.
struct LogStatusReader: StatusReader {
  private(set) var status = RunStatus()
  /// Whether any line is of this program: other files end in .log too.
  private(set) var isOfARun = false
  private var lineCount = 0
  private var secondsPerEpoch: Double?
  private var secondsLeftInPass: Double?

  mutating func read(_ line: Substring, modified: Date?) {
    status.heard = modified
    lineCount += 1
    let words = line.split(separator: " ")
    if line.hasPrefix("Epoch ") {
      epoch(words)
    } else if line.hasPrefix("pass ") {
      progress(words)
    } else if words.count > 5, words[1].hasPrefix("step"), words[2] == "a", words[3] == "pass," {
      status.stepsPerEpoch = Int(words[0])
      status.epochs = Int(words[4])
    } else if line.hasPrefix("run folder ") {
      status.state = .running
      isOfARun = true
      if let step = Self.step(after: ", continued after step ", line) {
        goBack(to: step, keepsBest: false)
      } else if line.hasSuffix("/") {
        goBack(to: 0, keepsBest: false)
      }
      status.tell(String(line), at: nil)
    } else if line.hasPrefix("warning: ") {
      if line.contains(" skipped on all ranks"), let step = Self.step(after: "step ", line) {
        status.skipped(step: step)
      }
      if line.contains(" in a row w"), line.contains(" skipped: back to ") {
        status.loss = nil
        goBack(to: Self.step(after: ": back to step ", line) ?? 0, keepsBest: true)
      }
      status.tell(String(line), at: nil)
    } else if line.hasPrefix("stopped after ") {
      status.state = .stopped(String(line.dropFirst("stopped ".count)))
      status.tell(String(line), at: nil)
    } else if line.hasPrefix("disttrain: error: ") {
      status.state = .failed(String(line.dropFirst("disttrain: error: ".count)))
      status.tell(String(line), at: nil)
      // Other commands fail too, but say something before.
      if lineCount == 1 { isOfARun = true }
    } else if line.hasPrefix("best "), line.contains(" in pass ") {
      status.state = .complete
      status.tell(String(line), at: nil)
    }
    estimate()
  }

  /// The run goes on from `step`: what came after it is done again.
  private mutating func goBack(to step: Int, keepsBest: Bool) {
    status.wentBack(toStep: step, keepsBest: keepsBest)
    secondsLeftInPass = nil
    if let all = status.stepsPerEpoch, all > 0 { status.stepInEpoch = step % all }
  }

  /// The number behind `text` in `line`.
  private static func step(after text: String, _ line: Substring) -> Int? {
    guard let range = line.range(of: text) else { return nil }
    return Int(line[range.upperBound...].prefix { $0.isNumber })
  }

  private mutating func epoch(_ words: [Substring]) {
    guard words.count > 3, words[2] == "PESQ", let number = Int(words[1]) else { return }
    isOfARun = true
    func value(_ name: Substring) -> Double? {
      guard let index = words.firstIndex(of: name), index + 1 < words.count else { return nil }
      return Double(words[index + 1]).flatMap { $0.isFinite ? $0 : nil }
    }
    status.ended(epoch: number, pesq: value("PESQ"), noisy: value("noisy"))
    status.loss = value("train-loss") ?? status.loss
    status.speed = value("audio-s/s")
    secondsPerEpoch = value("seconds")
    secondsLeftInPass = nil
    status.tell(LogWords.safe(words.joined(separator: " ")), at: nil)
  }

  /// `pass 3/40  120/964  12%  loss 0.0312  12.3 audio-s/s  elapsed 0:02:11  left 0:15:20`
  private mutating func progress(_ words: [Substring]) {
    guard words.count > 2 else { return }
    let pass = words[1].split(separator: "/").compactMap { Int($0) }
    let steps = words[2].split(separator: "/").compactMap { Int($0) }
    guard pass.count == 2, steps.count == 2 else { return }
    isOfARun = true
    status.state = .running
    status.epochs = pass[1]
    status.stepInEpoch = steps[0]
    status.stepsPerEpoch = steps[1]
    for (word, next) in zip(words, words.dropFirst()) {
      switch word {
      case "loss": status.loss = Double(next) ?? status.loss
      case "left": secondsLeftInPass = TimeSpan.seconds(String(next)) ?? 0
      default: if next == "audio-s/s" { status.speed = Double(word) ?? status.speed }
      }
    }
  }

  private mutating func estimate() {
    guard status.state == .running, let epochs = status.epochs, let secondsPerEpoch else {
      status.secondsLeft = nil
      return
    }
    let whole = Double(epochs) - Double(status.epoch) - (secondsLeftInPass == nil ? 0 : 1)
    status.secondsLeft = max(0, whole) * secondsPerEpoch + (secondsLeftInPass ?? 0)
  }
}
