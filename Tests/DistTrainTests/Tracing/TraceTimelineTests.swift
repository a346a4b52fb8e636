import DistTrain
import Foundation
import Platform
import RunTestSupport
import Testing
import Tracing

/// Clocks and files of traces, with numbers made by hand.
@Suite struct TraceTimelineTests {
  @Test func theMedianOfTheRoundsIsTheOffset() {
    // Ahead by 1000; in one round this rank was late by 90, in two by 30.
    let root: [Int64] = [100, 200, 300, 400, 500]
    let offset = ClockOffset(readings: [1100, 1230, 1390, 1400, 1530], root: root)
    // Differences 1000, 1030, 1090, 1000, 1030: median 1030; away from it 30, 0, 60, 30, 0.
    #expect(offset.nanoseconds == 1030 && offset.spread == 30)
    // It left the third barrier at 1390, and rank 0 the fourth, later, at 400: 990 at least. It
    // left the fourth at 1400, after rank 0 the third, at 300: 1100 at most.
    #expect(offset.bound == 70)
    // Behind, by the same in every round.
    let behind = ClockOffset(readings: root.map { $0 - 7 }, root: root)
    #expect(behind.nanoseconds == -7 && behind.spread == 0)
    let none = ClockOffset(readings: [], root: [])
    #expect(none.nanoseconds == 0 && none.spread == 0 && none.bound == 0)
  }

  @Test func theOffsetIsWithinWhatBarriersAllow() {
    // Late by 50 in most rounds, but not in those that leave only 1040.
    let offset = ClockOffset(
      readings: [1090, 1190, 1190, 1190, 1390], root: [0, 100, 150, 180, 300])
    #expect(offset.nanoseconds == 1040 && offset.bound == 0)
    // A clock at three times the speed: at least 500 and at most 300, so no offset is right for all
    // rounds. It stays the median.
    let fast = ClockOffset(readings: [0, 300, 600, 900, 1200], root: [0, 100, 200, 300, 400])
    #expect(fast.nanoseconds == 400 && fast.bound == 100)
  }

  /// Two ranks, the second's clock ahead by 5 ms.
  private var timeline: TraceTimeline {
    let ahead: Int64 = 5_000_000
    return TraceTimeline([
      RankTrace(
        host: "node-a",
        events: [
          TraceEvent(.load, step: 6, start: 2_000, end: 3_500, arguments: ["utterance": 1]),
          TraceEvent(.step, step: 6, start: 2_000, end: 90_000),
          TraceEvent(.step, step: 7, start: 95_000, end: 99_000),
          TraceEvent(.bucket, step: 6, start: 50_000, end: 70_000, arguments: ["bucket": 1]),
          TraceEvent(.bucket, step: 6, start: 60_000, end: 75_000, arguments: ["bucket": 2]),
          TraceEvent(.bucket, step: 6, start: 70_000, end: 80_000, arguments: ["bucket": 3]),
        ], clockReadings: [100_000, 200_000, 300_000]),
      RankTrace(
        host: "node \"b\"",
        events: [TraceEvent(.step, step: 6, start: ahead + 1_000, end: ahead + 91_000)],
        clockReadings: [ahead + 100_000, ahead + 240_000, ahead + 260_000]),
    ])
  }

  @Test func allRanksHaveOneClock() throws {
    let file = try TraceFile(Data(timeline.json.utf8))
    let mine = try #require(file.events.first { $0.rank == 0 && $0.name == "step 6" })
    let other = try #require(file.events.first { $0.rank == 1 && $0.name == "step 6" })
    // In microseconds from the first event, which is rank 1's at 1000 ns of rank 0's clock.
    #expect(other.start == 0 && other.end == 90 && mine.start == 1 && mine.end == 89)
    let load = try #require(file.events.first { $0.part == "load" })
    #expect(load.start == 1 && load.end == 2.5 && load.step == 6)
    #expect(load.arguments["utterance"] == 1)
    // The step comes before what it contains.
    #expect(file.events.prefix(2).map(\.name) == ["step 6", "load"])
    #expect(file.processes == [0: "rank 0 (host node-a)", 1: "rank 1 (host node \"b\")"])
    #expect(file.facts["clock_rounds"] as? Int == 3)
    #expect(file.facts["clock_offsets_ms"] as? [Double] == [0, 5])
    #expect(file.facts["clock_spread_ms"] as? Double == 0.04)
    #expect(file.facts["clock_bounds_ms"] as? [Double] == [0, 0.06])
    #expect(file.facts["first_step"] as? Int == 6 && file.facts["last_step"] as? Int == 7)
  }

  @Test func bucketsAtTheSameTimeHaveRowsOfTheirOwn() throws {
    let file = try TraceFile(Data(timeline.json.utf8))
    let rows = file.events.filter { $0.part == "bucket" }
      .reduce(into: [String: Int]()) { $0[$1.name] = $1.thread }
    #expect(rows == ["bucket 1": 1, "bucket 2": 2, "bucket 3": 1])
    #expect(file.threads[0] == [0: "main thread", 1: "exchange", 2: "exchange 2"])
    #expect(file.threads[1] == [0: "main thread", 1: "exchange"])
  }

  @Test func theLogSaysWhatIsInIt() {
    #expect(
      timeline.line(path: "t.json")
        == "trace of steps 6 to 7 on 2 ranks: t.json (clocks agree within 0.06 ms)")
    let alone = TraceTimeline([
      RankTrace(
        host: "a", events: [TraceEvent(.step, step: 9, start: 1, end: 2)], clockReadings: [])
    ])
    #expect(alone.line(path: "t.json") == "trace of step 9 on 1 rank: t.json")
    #expect(alone.steps == 9...9 && alone.bound == 0)
  }

  @Test func aRecorderNotesWhatWasDone() throws {
    struct Failure: Error {}
    let recorder = TraceRecorder()
    let trace: TraceRecorder? = recorder
    #expect(trace.measure(.forward, utterances: 2...2) { 5 } == 5)
    #expect(throws: Failure.self) { try trace.measure(.load) { throw Failure() } }
    let done = recorder.reduction(bucket: 4, bytes: 64)
    _ = recorder.reduction(bucket: 5, bytes: 64)
    done.begin()
    done.complete()
    let none: TraceRecorder? = nil
    #expect(none.measure(.forward) { 6 } == 6)
    // A reduction that is not complete is left out, what failed is not.
    #expect(recorder.events.map(\.part) == [.forward, .load, .bucket])
    #expect(recorder.events.allSatisfy { $0.start <= $0.end })
    #expect(recorder.events[0].arguments == ["utterance": 2])
    #expect(recorder.events[2].arguments["bucket"] == 4)
    #expect((recorder.events[2].arguments["queued_us"] ?? -1) >= 0)
  }
}
