import Foundation
import RunFiles
import Testing
import TestSupport

/// Events of runs that were damaged at random: what is whole is read.
struct DamagedMetricsTests {
  @Test(arguments: ["abl3", "back", "eventful"])
  func everyDamageIsRead(run: String) throws {
    let file = fixturesFolder.appending(path: "history/0.2.0/runs/\(run)/metrics.jsonl")
    let whole = [UInt8](try Data(contentsOf: file))
    let lineCount = whole.count { $0 == UInt8(ascii: "\n") }
    var damage = Damage(seed: 15)
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "metrics.jsonl")
      var lost = 0
      for _ in 0..<300 {
        try Data(damage.harmed(whole)).write(to: url)
        var events: [LoggedEvent] = []
        MetricsFile.forEachEvent(at: url) { events.append($0) }
        let timeline = RunTimeline(events.compactMap(\.event))
        _ = timeline.best
        for epoch in timeline.epochs { _ = timeline.lastStep(ofEpoch: epoch.report.epoch) }
        lost += max(0, lineCount - events.count)
      }
      #expect(lost > 0)
    }
  }
}
