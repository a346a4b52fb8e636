import Files
import Foundation
import Report
import RunFiles
import Testing
import TestSupport

/// Runs whose files were damaged: a result, or one sentence.
@Suite struct DamagedRunsTests {
  private static let run = fixturesFolder.appending(path: "history/0.2.0/runs/back")

  /// Looks at the run in `folder` in every way, and returns the errors.
  private static func look(at folder: URL) -> [any Error] {
    var errors: [any Error] = []
    let path = folder.path(percentEncoded: false)
    do throws(WatchError) {
      let runs = try WatchedRuns([path])
      let view = WatchView(statuses: runs.statuses, now: Date(timeIntervalSince1970: 2e9))
      _ = view.screen(columns: 80, rows: 24, interval: 2)
    } catch {
      errors.append(error)
    }
    do {
      _ = try RunComparison(paths: [path]).json()
    } catch {
      errors.append(error)
    }
    do {
      let content = try ReportContent(
        ReportContent.Request(runs: [path], hasAudio: false), progress: { _ in })
      _ = ReportPage(content: content, date: Date(timeIntervalSince1970: 2e9)).html
    } catch {
      errors.append(error)
    }
    return errors
  }

  /// 300 damages: to the events more often than to the other files, which are smaller.
  @Test(arguments: [
    ("metrics.jsonl", 200), ("history.csv", 40), ("configuration.json", 40),
    ("best-scores.csv", 20),
  ])
  func aDamagedFileIsReadOrNamed(name: String, count: Int) throws {
    try withTemporaryFolder { folder in
      let copy = folder.appending(path: "run")
      try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
      for file in ["metrics.jsonl", "history.csv", "configuration.json", "best-scores.csv"] {
        try FileManager.default.copyItem(
          at: Self.run.appending(path: file), to: copy.appending(path: file))
      }
      let bytes = [UInt8](try Data(contentsOf: copy.appending(path: name)))
      #expect(Self.look(at: copy).isEmpty)
      var damage = Damage(seed: 15)
      for index in 0..<count {
        try Data(damage.harmed(bytes)).write(to: copy.appending(path: name))
        for error in Self.look(at: copy) {
          let text = "\(error)"
          #expect(
            type(of: error) is any CustomStringConvertible.Type && text.contains("/run")
              && !text.contains("Error") && text.split(separator: "\n").count == 1,
            "\(name) \(index): \(text)")
        }
      }
    }
  }

  /// A fuzzer found the conversion to a time of the system.
  @Test func aTimeBeyondAllClocksIsNone() throws {
    let line =
      #"{"event":"waiting","step":1,"time":"2026-11-30 12:00:99999999999999999999999999"}"#
    try withTemporaryFolder { folder in
      let copy = folder.appending(path: "run")
      try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
      try (line + "\n").write(
        to: copy.appending(path: "metrics.jsonl"), atomically: true, encoding: .utf8)
      let runs = try WatchedRuns([copy.path(percentEncoded: false)])
      #expect(runs.statuses.count == 1)
      let view = WatchView(statuses: runs.statuses, now: Date(timeIntervalSince1970: 2e9))
      #expect(!view.screen(columns: 80, rows: 24, interval: 2).isEmpty)
    }
  }
}
