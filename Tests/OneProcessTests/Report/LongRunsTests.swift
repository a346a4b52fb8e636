import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Commands that look at runs, on short and long ones.
@Suite struct LongRunsTests {
  /// The steps `steps` as lines of `metrics.jsonl`, a second each.
  private func lines(_ steps: ClosedRange<Int>) -> String {
    steps.map { step in
      let noise = 0.1234567890123456 + Double(step % 977) / 1000
      let time = String(
        format: "2026-01-%02dT%02d:%02d:%02d.250Z", 1 + step / 86_400, step / 3600 % 24,
        step / 60 % 60, step % 60)
      return #"{"busy_seconds":\#(noise),"data_seconds":6.909999999999998e-07,"event":"step","#
        + #""exposed_exchange_seconds":\#(noise / 10),"gradient_norm":0.047393295870816185,"#
        + #""learning_rate":0.001,"loss":\#(noise),"skipped":false,"step":\#(step),"#
        + #""time":"\#(time)"}"# + "\n"
    }.joined()
  }

  /// Sixty thousand steps, 17 MB of events, are looked at in the memory of a thousand, but for the
  /// 40 bytes that a report keeps of each.
  @Test func memoryDoesNotGrowWithTheRun() throws {
    try withTemporaryFolder { folder in
      for (name, count) in [("short", 1000), ("long", 60_000)] {
        try folder.makeRun(name, scores: ["2.5", "2.6"], events: lines(1...count))
      }
      for command in [["watch", "--once"], ["compare"], ["report", "--no-audio"]] {
        let peaks = try ["short", "long"].map { run in
          let outcome = try disttrain(command + [run], folder: folder)
          #expect(outcome.status == 0, "\(outcome)")
          return outcome.peakResidentBytes
        }
        #expect(peaks[1] - peaks[0] < 10 << 20, "\(command): \(peaks)")
      }
    }
  }
}
