import Foundation

/// How a drill ended.
enum DrillVerdict {
  /// As promised.
  case passed(DrillOutcome)
  /// Otherwise, for this reason.
  case failed(String)
  /// It could not be tried here.
  case skipped(String)

  /// For a line of progress.
  var line: String {
    switch self {
    case .passed: "passed"
    case .failed(let reason): "FAILED: \(reason)"
    case .skipped(let reason): "SKIPPED: \(reason)"
    }
  }
}

/// The table of all drills: what was injected, what the job did, and what was kept.
struct DrillTable {
  private(set) var failures = 0
  private var skipped = 0
  private var rows = [["drill", "injected", "what the job did", "seconds", "nothing lost"]]

  mutating func add(_ drill: Drill, _ verdict: DrillVerdict) {
    switch verdict {
    case .passed(let outcome):
      rows.append([
        drill.name, drill.injected, outcome.did, String(format: "%.1f", outcome.seconds),
        outcome.kept,
      ])
    case .failed(let reason):
      failures += 1
      let first = reason.split(separator: "\n").first.map(String.init) ?? ""
      rows.append([drill.name, drill.injected, "FAILED: \(first)", "", ""])
    case .skipped(let reason):
      skipped += 1
      rows.append([drill.name, drill.injected, "SKIPPED: \(reason)", "", ""])
    }
  }

  /// The rows as a Markdown table, which is readable as it stands.
  var text: String {
    var lines = rows.map { "| " + $0.joined(separator: " | ") + " |" }
    lines.insert("|---|---|---|---|---|", at: 1)
    return lines.joined(separator: "\n")
  }

  /// How many passed.
  var summary: String {
    let count = rows.count - 1
    return "\(count - failures - skipped) of \(count) drills passed"
      + (failures > 0 ? ", \(failures) FAILED" : "")
      + (skipped > 0 ? ", \(skipped) SKIPPED: they could not be tried here" : "")
  }
}
