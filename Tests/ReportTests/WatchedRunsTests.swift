import Foundation
import Report
import RunFiles
import Testing
import TestSupport

/// Runs that are looked at again and again.
@Suite struct WatchedRunsTests {
  private static func lines(_ steps: ClosedRange<Int>) -> String {
    steps.map { step in
      let date = Date(timeIntervalSince1970: 1_796_041_185 + Double(step))
      let event = RunEvent.step(
        .init(
          step: step, loss: 1 / Double(step), gradientNorm: 1, learningRate: 0.001,
          isSkipped: step % 50 == 0, dataSeconds: 0, busySeconds: 1, exposedSeconds: 0))
      return event.line(at: date) + "\n"
    }.joined()
  }

  private static let start =
    #"{"audio_seconds_per_step":12,"epochs":4,"event":"start","ranks":2,"step":0,"#
    + #""steps_per_epoch":1000,"time":"2026-11-30T12:19:45.000Z"}"# + "\n"

  private static func table(_ runs: WatchedRuns) -> String {
    let now = Date(timeIntervalSince1970: 1_796_041_185)
    return WatchView(statuses: runs.statuses, now: now).table()
  }

  /// Cut anywhere, the lines make the same status as when all are there at the first look.
  @Test func piecesMakeTheWhole() throws {
    try withTemporaryFolder { folder in
      let text = Array((Self.start + Self.lines(1...300)).utf8)
      let path = folder.file("metrics.jsonl")
      try Data().write(to: URL(fileURLWithPath: path))
      var runs = try WatchedRuns([path])
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      for start in stride(from: 0, to: text.count, by: 4999) {
        try file.write(contentsOf: text[start..<min(start + 4999, text.count)])
        runs.refresh()
      }
      #expect(Self.table(runs).contains("300/1000"))
      let whole = try WatchedRuns([path])
      #expect(Self.table(runs) == Self.table(whole))
    }
  }

  /// A further look reads what is new and nothing else: the bytes before it may be anything.
  @Test func aLookReadsOnlyTheNewBytes() throws {
    try withTemporaryFolder { folder in
      let path = folder.file("metrics.jsonl")
      let before = Self.start + Self.lines(1...300)
      try before.write(toFile: path, atomically: false, encoding: .utf8)
      var runs = try WatchedRuns([path])
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      // Other contents in one and the same file, lines of another epoch among them.
      let other = String(Self.lines(800...1200).prefix(before.utf8.count - 1)) + "\n"
      try file.write(contentsOf: Data(other.utf8))
      try file.seekToEnd()
      try file.write(contentsOf: Data(Self.lines(301...310).utf8))
      runs.refresh()
      #expect(Self.table(runs).contains("310/1000"))
      #expect(Self.table(runs).contains(" 6 "), "\(Self.table(runs))")
    }
  }

  /// The lines of a rank as launchers label them.
  @Test(arguments: [
    "", "0: ", "  0: ", "[0] ", "[1,0]<stdout>:", "[1,0]<stderr>: ",
    "[prterun-node1-4711@1,0]<stdout>: ", "Mon Nov 30 22:10:30 2026<stdout>:",
    "Mon Nov 30 22:10:30 2026[1,0]<stdout>:",
  ])
  func labelsOfLaunchersAreNoPartOfALine(label: String) throws {
    try withTemporaryFolder { folder in
      let log = [
        "run folder run/", "8 steps an epoch, 3 epochs",
        "epoch 2/3  6/8  75%  loss 0.0312  12.3 audio-s/s  elapsed 0:02:11  left 0:15:20",
        "Epoch 1 PESQ 2.5000 noisy 1.9000 loss 0.1 train-loss 0.0900 seconds 10.0",
        "warning: 1: no label",
        "stopped after 14 steps by SIGTERM; saved, and the same command with --resume goes on",
      ]
      let path = folder.file("job.log")
      let text = log.map { "\(label)\($0)\n" }.joined()
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      let runs = try WatchedRuns([path])
      let table = Self.table(runs)
      #expect(table.contains("1/3") && table.contains("stopped (SIGTERM)"), "\(table)")
      let messages = WatchView(statuses: runs.statuses, now: Date()).messages(count: 9)
      #expect(messages.contains { $0.hasSuffix(": warning: 1: no label") }, "\(messages)")
    }
  }
}
