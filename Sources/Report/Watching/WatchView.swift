import Files
import Foundation
import Platform

/// The runs as lines of a terminal: a table, and below it what they said last.
package struct WatchView {
  let statuses: [(name: String, status: RunStatus)]
  package let now: Date

  /// View of runs and the names of their rows; silence counts up to `now`.
  package init(statuses: [(name: String, status: RunStatus)], now: Date) {
    self.statuses = statuses
    self.now = now
  }

  /// A run that has been silent for longer says so, since it may be dead or in a long validation.
  private static let silence = 60.0

  /// The columns, and how early each gives way on a narrow terminal.
  private static let columns: [(title: String, rank: Int, text: @Sendable (RunStatus) -> String)] =
    [
      ("epoch", 0, { "\($0.epoch)/\($0.epochs.map(String.init) ?? "?")" }),
      ("step", 2, step),
      ("loss", 1, { number($0.loss) }),
      ("pesq", 0, { number($0.pesq) }),
      ("best", 0, { number($0.best?.score) + ($0.best?.isSISDR == true ? " dB" : "") }),
      ("in epoch", 3, { $0.best.map { "\($0.epoch)" } ?? "-" }),
      ("noisy", 4, { number($0.noisyPESQ) }),
      ("trend", 6, { Sparkline.text($0.scores, width: 16) }),
      ("skipped", 7, { "\($0.skippedSteps)" }),
      ("audio-s/s", 5, { $0.speed.map { String(format: "%.1f", $0) } ?? "-" }),
      ("left", 1, { $0.secondsLeft.map(TimeSpan.text) ?? "-" }),
    ]

  /// The table, at most `width` columns wide; `state` stands last.
  package func table(width: Int = .max) -> String {
    var shown = Array(Self.columns.indices)
    while true {
      let rows =
        [["run"] + shown.map { Self.columns[$0].title } + ["state"]]
        + statuses.map { name, status in
          [name] + shown.map { Self.columns[$0].text(status) } + [state(status)]
        }
      let text = TextTable(rows).aligned
      let widest = text.split(separator: "\n").map(\.count).max() ?? 0
      let least = shown.max { Self.columns[$0].rank < Self.columns[$1].rank }
      guard widest > width, let least, Self.columns[least].rank > 0 else {
        return Self.cut(text, width)
      }
      shown.removeAll { $0 == least }
    }
  }

  /// The last `count` messages of all runs, the newest last.
  package func messages(count: Int, width: Int = .max) -> [String] {
    let all = statuses.flatMap { name, status in
      status.messages.map { (name: name, message: $0, order: $0.time ?? status.heard ?? now) }
    }
    let last = all.enumerated().sorted {
      ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
    }.suffix(max(0, count))
    return last.map { item in
      let time = item.element.message.time.map { Self.clock($0) + "  " } ?? ""
      return Self.cut("\(time)\(item.element.name): \(item.element.message.text)", width)
    }
  }

  /// A whole screen of `rows` lines.
  package func screen(columns: Int, rows: Int, interval: Double) -> [String] {
    let count = NumberText.count(statuses.count, "run")
    let head = "\(count)  \(Self.clock(now))  every \(interval.formatted()) s, q ends"
    let table = table(width: columns).split(separator: "\n").map(String.init)
    let lines = [Self.cut(head, columns), ""] + table
    let room = rows - lines.count - 1
    guard room > 0 else { return Array(lines.prefix(rows)) }
    return lines + [""] + messages(count: room, width: columns)
  }

  private func state(_ status: RunStatus) -> String {
    switch status.state {
    case .complete: return "complete"
    case .stopped(let reason): return "stopped (\(Self.brief(reason)))"
    case .failed(let reason): return "failed (\(Self.brief(reason)))"
    case .waiting:
      guard let heard = status.heard, now.timeIntervalSince(heard) > Self.silence else {
        return "starting"
      }
      // A start that was refused leaves its files, and nothing more comes.
      return "never started"
    case .running:
      guard let heard = status.heard else { return "running" }
      let seconds = now.timeIntervalSince(heard)
      return seconds > Self.silence ? "silent for \(TimeSpan.text(seconds))" : "running"
    }
  }

  /// A reason in at most 24 columns. The end of one that is too long becomes an ellipsis, without
  /// the blank or the mark before it.
  private static func brief(_ reason: String) -> String {
    guard reason.count > 24 else { return reason }
    var words = reason.prefix(23)
    while let last = words.last, last.isWhitespace || last.isPunctuation { words.removeLast() }
    return words + "…"
  }

  private static func step(_ status: RunStatus) -> String {
    guard status.state != .complete, let done = status.stepInEpoch, let all = status.stepsPerEpoch
    else { return "-" }
    return "\(done)/\(all)"
  }

  private static func number(_ value: Double?) -> String {
    value.map { TextTable.number($0, digits: 4) } ?? "-"
  }

  /// Local time.
  private static func clock(_ date: Date) -> String {
    // The date of a damaged file may be beyond all clocks.
    var seconds = time_t(clamped: date.timeIntervalSince1970)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return String(format: "%02d:%02d:%02d", parts.tm_hour, parts.tm_min, parts.tm_sec)
  }

  /// No line may wrap: the screen would scroll.
  private static func cut(_ text: String, _ width: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.count > width ? String($0.prefix(max(0, width - 1))) + "…" : String($0) }
      .joined(separator: "\n")
  }
}

/// Numbers as a row of bars, from the lowest to the highest of them.
enum Sparkline {
  private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

  /// The last `width` values; a blank for one that is missing.
  static func text(_ values: [Double?], width: Int) -> String {
    let last = values.suffix(width).map { $0.flatMap { $0.isFinite ? $0 : nil } }
    let known = last.compactMap { $0 }
    guard let low = known.min(), let high = known.max() else { return "" }
    let span = high - low
    return String(
      last.map { value -> Character in
        guard let value else { return " " }
        // The span of two numbers at the ends of the range is infinite.
        let share = span > 0 && span.isFinite ? (value - low) / span : 0.5
        return bars[min(bars.count - 1, Int(clamped: share * Double(bars.count)))]
      })
  }
}
