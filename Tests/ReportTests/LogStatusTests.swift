import Foundation
import Report
import Testing

/// States that `watch` shows for logs.
@Suite struct LogStatusTests {
  /// The last column of a run whose log ends with `line`.
  private func state(after line: String) throws -> String {
    var reader = LogStatusReader()
    for line in ["run folder run/", line] { reader.read(Substring(line), modified: nil) }
    let now = Date(timeIntervalSince1970: 0)
    let row = WatchView(statuses: [(name: "run", status: reader.status)], now: now).table()
    let state = row.range(of: #"(stopped|failed) \("#, options: .regularExpression)
    return String(row[try #require(state).lowerBound...])
  }

  /// The words between the parentheses are those of the stop's event in `metrics.jsonl`.
  @Test(arguments: [
    ("as asked; the same command with --resume goes on", "as asked"),
    ("by SIGTERM; saved, and the same command with --resume goes on", "SIGTERM"),
    (
      "by a signal to another rank; saved, and the same command with --resume goes on",
      "signal to another rank"
    ),
    (
      ", in the validation of epoch 2 by SIGUSR1; saved, and the same command with --resume "
        + "goes on",
      "SIGUSR1"
    ),
    (
      ", before the end of the time (--wall-time 2:00:00); saved, and the same command with "
        + "--resume goes on",
      "--wall-time 2:00:00"
    ),
    ("for a reason that is still unknown; saved", "after 4 steps for a rea…"),
  ])
  func stopsHaveTheirReason(words: String, reason: String) throws {
    let line = "stopped after 4 steps" + (words.hasPrefix(",") ? "" : " ") + words
    #expect(try state(after: line) == "stopped (\(reason))")
  }

  @Test(arguments: [
    // 24 characters, 25, and a mark or a blank at the place of the cut.
    ("abl3.json: no such file.", "abl3.json: no such file."),
    ("abl3.json: no such folder", "abl3.json: no such fold…"),
    ("abl3.json: was not found: give its path", "abl3.json: was not foun…"),
    ("abl3.json: it is there; take it", "abl3.json: it is there…"),
    ("abl3.json: it was long ago", "abl3.json: it was long…"),
  ])
  func longErrorsAreCut(error: String, shown: String) throws {
    #expect(try state(after: "disttrain: error: \(error)") == "failed (\(shown))")
  }
}
