import Foundation
import Platform
import RunFiles

/// Follows what a run writes to its log, where there is no run folder to look into.
package struct LogStatusReader: StatusReader {
  package private(set) var status = RunStatus()
  /// Whether any line is of this program: other files end in .log too.
  private(set) var isOfARun = false
  private var lineCount = 0
  private var secondsPerEpoch: Double?
  private var secondsLeftInEpoch: Double?

  /// Reader of a log from its first line on.
  package init() {}

  /// Takes up what is between two line breaks: on terminals a carriage return ends lines, too.
  mutating func read(bytes: UnsafeRawBufferPointer, modified: Date?) {
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
      read(line, modified: modified)
    }
  }

  package mutating func read(_ line: Substring, modified: Date?) {
    status.heard = modified
    let line = LineLabel.removed(from: line)
    lineCount += 1
    let words = line.split(separator: " ")
    if line.hasPrefix("Epoch ") {
      epoch(words)
    } else if line.hasPrefix("epoch ") || line.hasPrefix("pass ") {
      // "pass" is in logs of version 0.1.0.
      progress(words)
    } else if words.count > 5, words[1].hasPrefix("step"), ["epoch,", "pass,"].contains(words[3]) {
      status.stepsPerEpoch = Int(words[0])
      status.epochs = Int(words[4])
    } else if line.hasPrefix("run folder ") {
      status.state = .running
      isOfARun = true
      if let step = Self.step(after: ", continued after step ", line) {
        goOn(.start(.init { $0.step = step }))
      } else if line.hasSuffix("/") {
        goOn(.start(.init()))
      }
      status.tell(String(line), at: nil)
    } else if line.hasPrefix("warning: ") {
      if line.contains(" skipped on all ranks"), let step = Self.step(after: "step ", line) {
        status.apply(.step(.init { ($0.step, $0.isSkipped) = (step, true) }))
      }
      if line.contains(" in a row w"), line.contains(" skipped: back to ") {
        status.loss = nil
        let step = Self.step(after: ": back to step ", line) ?? 0
        goOn(.rollback(.init { $0.step = step }))
      }
      status.tell(String(line), at: nil)
    } else if line.hasPrefix("stopped after ") {
      status.state = .stopped(Self.stopReason(line))
      status.tell(String(line), at: nil)
    } else if line.hasPrefix("disttrain: error: ") {
      status.state = .failed(String(line.dropFirst("disttrain: error: ".count)))
      status.tell(String(line), at: nil)
      // Other commands fail too, but say something before.
      if lineCount == 1 { isOfARun = true }
    } else if line.hasPrefix("best "), line.contains(" in epoch ") || line.contains(" in pass ") {
      status.state = .complete
      status.tell(String(line), at: nil)
    }
    estimate()
  }

  /// Continues after a start or a rollback.
  private mutating func goOn(_ event: RunEvent) {
    status.apply(event)
    secondsLeftInEpoch = nil
  }

  /// The reason of a stop as the event of the stop has it, from a line such as `stopped after 12
  /// steps by SIGTERM; saved, and …`. Words of another form are returned up to what to do next.
  private static func stopReason(_ line: Substring) -> String {
    let end =
      line.range(of: "; saved, and ") ?? line.range(of: "; the same command with --resume ")
    let stop = line[..<(end?.lowerBound ?? line.endIndex)]
    if stop.hasSuffix(" as asked") { return "as asked" }
    if let time = stop.range(of: ", before the end of the time ("), stop.hasSuffix(")") {
      return String(stop[time.upperBound...].dropLast())
    }
    guard let signal = stop.range(of: " by ") else {
      return String(stop.dropFirst("stopped ".count))
    }
    let name = stop[signal.upperBound...]
    return name == "a signal to another rank" ? "signal to another rank" : String(name)
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
    status.apply(
      .epoch(
        .init {
          $0.report.epoch = number
          ($0.report.pesq, $0.report.noisyPESQ) = (value("PESQ"), value("noisy"))
        }))
    status.loss = value("train-loss") ?? status.loss
    status.speed = value("audio-s/s")
    secondsPerEpoch = value("seconds")
    secondsLeftInEpoch = nil
    status.tell(LogWords.safe(words.joined(separator: " ")), at: nil)
  }

  /// `epoch 3/40  120/964  12%  loss 0.0312  12.3 audio-s/s  elapsed 0:02:11  left 0:15:20`
  private mutating func progress(_ words: [Substring]) {
    guard words.count > 2 else { return }
    let epoch = words[1].split(separator: "/").compactMap { Int($0) }
    let steps = words[2].split(separator: "/").compactMap { Int($0) }
    guard epoch.count == 2, steps.count == 2 else { return }
    isOfARun = true
    status.state = .running
    status.epochs = epoch[1]
    status.stepInEpoch = steps[0]
    status.stepsPerEpoch = steps[1]
    for (word, next) in zip(words, words.dropFirst()) {
      switch word {
      case "loss": status.loss = Double(next) ?? status.loss
      case "left": secondsLeftInEpoch = TimeSpan.seconds(String(next)) ?? 0
      default: if next == "audio-s/s" { status.speed = Double(word) ?? status.speed }
      }
    }
  }

  private mutating func estimate() {
    guard status.state == .running, let epochs = status.epochs, let secondsPerEpoch else {
      status.secondsLeft = nil
      return
    }
    let whole = Double(epochs) - Double(status.epoch) - (secondsLeftInEpoch == nil ? 0 : 1)
    status.secondsLeft = max(0, whole) * secondsPerEpoch + (secondsLeftInEpoch ?? 0)
  }
}
