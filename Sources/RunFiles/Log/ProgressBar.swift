import Foundation

/// Progress of an epoch or of other work over the data, as a line for a terminal or for a file.
struct ProgressBar {
  private let label: String
  private let total: Int
  private let unit: String
  private let startedAt: Double
  private let startedWith: Int
  private var completed: Int
  private var loss: Double?
  private var audioSeconds = 0.0

  /// Work called `label` of `total` steps, or of whatever `unit` says, `completed` of which were
  /// done before `now` (seconds of any clock that only moves forwards).
  init(label: String, total: Int, unit: String = "", completed: Int, now: Double) {
    precondition(
      total > 0 && (0...total).contains(completed), "ProgressBar: \(completed) of \(total)")
    self.label = label
    self.total = total
    self.unit = unit.isEmpty ? "" : " \(unit)"
    self.completed = completed
    startedWith = completed
    startedAt = now
  }

  /// `audioSeconds`: audio processed since the start, by all ranks.
  mutating func update(completed: Int, loss: Double?, audioSeconds: Double) {
    self.completed = min(max(completed, 0), total)
    self.loss = loss
    self.audioSeconds = audioSeconds
  }

  /// A line such as `epoch 3/40  120/964  12%  loss 0.0312  12.3 audio-s/s  elapsed 0:02:11  left
  /// 0:15:20`.
  func text(now: Double) -> String {
    let elapsed = max(now - startedAt, 0)
    var fields = [label, "\(completed)/\(total)\(unit)", "\(completed * 100 / total)%"]
    if let loss { fields.append("loss \(String(format: "%.4f", loss))") }
    if elapsed > 0 && audioSeconds > 0 {
      fields.append("\(String(format: "%.1f", audioSeconds / elapsed)) audio-s/s")
    }
    fields.append("elapsed \(Self.clock(elapsed))")
    if completed > startedWith {
      let perStep = elapsed / Double(completed - startedWith)
      fields.append("left \(Self.clock(perStep * Double(total - completed)))")
    }
    return fields.joined(separator: "  ")
  }

  /// The text with a bar in front, in fewer than `columns` columns, so that the line never wraps.
  func bar(now: Double, columns: Int) -> String {
    let text = text(now: now)
    let room = columns - 1
    let width = min(room - text.count - 3, 30)
    if width < 5 { return String(text.prefix(max(room, 0))) }
    let filled = width * completed / total
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    return "[\(bar)] \(text)"
  }

  private static func clock(_ seconds: Double) -> String {
    let whole = Int(clamped: min(seconds, 1e9).rounded())
    return String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
  }
}
