import Files
import Foundation
import Metrics
import RunFiles
import Testing
import TestSupport

@Suite final class RunLogTests {
  private let folder: URL

  init() throws { folder = try temporaryFolder() }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func report(_ epoch: Int, pesq: Double?) -> EpochReport {
    EpochReport(
      epoch: epoch, pesq: pesq, noisyPESQ: 1.97, siSDR: 18.2, noisySISDR: 8.4,
      validationLoss: 0.03124, trainingLoss: 0.034, learningRate: 0.00098, scored: 822, total: 824,
      seconds: 1834.21, audioSecondsPerSecond: 12.34, validationSeconds: 229.3)
  }

  private func epoch(_ number: Int, pesq: Double?) -> RunEvent {
    .epoch(.init(report(number, pesq: pesq), step: 100 * number, dataSeconds: 0.5))
  }

  private let stop = RunEvent.stop(.init(step: 3, reason: "as asked"))

  /// Output of `body` on stdout, if that is a file.
  @discardableResult
  private func logFile(
    _ name: String = "out.log", rank: Int = 0, now: @escaping () -> Double = { 0 },
    _ body: (RunLog) throws -> Void
  ) throws -> String {
    let path = folder.appending(path: name).path(percentEncoded: false)
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    defer { close(file) }
    let log = try RunLog(
      rank: rank, runFolder: folder, standardOutput: file, standardError: file, now: now)
    try body(log)
    return try String(contentsOfFile: path, encoding: .utf8)
  }

  private func events() throws -> [[String: Any]] {
    let text = try String(contentsOf: folder.appending(path: "metrics.jsonl"), encoding: .utf8)
    return try text.split(separator: "\n").map { line in
      try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  @Test func epochLineHasItsFieldsInPlace() {
    #expect(
      report(12, pesq: 3.004).logLine
        == "Epoch 12 PESQ 3.0040 noisy 1.9700 SI-SDR 18.20 "
        + "noisy-SI-SDR 8.40 loss 0.0312 train-loss 0.0340 scored 822/824 seconds 1834.2 "
        + "audio-s/s 12.3 learning-rate 0.00098 validation-share 0.125")
    #expect(report(3, pesq: nil).logLine.hasPrefix("Epoch 3 PESQ nan noisy 1.9700 "))
    #expect(report(3, pesq: .nan).logLine.hasPrefix("Epoch 3 PESQ nan "))
  }

  /// The lines of the published workflow, as people have them in their notes.
  @Test func publishedGrepsReadTheLog() throws {
    let scores: [String: [Double?]] = [
      "abl1": [2.1, 2.95, 3.004, 2.99], "abl2": [2.2, nil, 3.1], "abl3": [nil, 10.5, 9.25, 3.3001],
    ]
    for (name, scores) in scores {
      var time = 0.0
      try logFile("\(name).log", now: { time }) { log in
        log.line("reading /data/PESQ_sets/Epoch1.wav\nEpoch PESQ Epoch PESQ 9.9")
        for (index, score) in scores.enumerated() {
          log.beginProgress("PESQ Epoch \(index + 1)", total: 100)
          for step in 1...100 {
            time += 1
            log.progress(completed: step, loss: 0.5, audioSeconds: time)
          }
          log.endProgress()
          log.warning("PESQ of utterance p232_001 failed in Epoch \(index + 1)")
          log.append(epoch(index + 1, pesq: score))
        }
        log.line("best PESQ in Epoch 3")
      }
    }
    func sh(_ script: String) throws -> [String] {
      let outcome = try Subprocess.shell(script, folder: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      return outcome.output.split(separator: "\n").map(String.init)
    }
    #expect(try sh("grep 'Epoch' abl1.log | tail -1")[0].hasPrefix("Epoch 4 PESQ 2.9900 "))
    #expect(try sh("grep 'Epoch' abl2.log").count == 3)
    #expect(try sh("grep 'PESQ' abl*.log | tail -30").count == 11)
    #expect(
      try sh("grep 'PESQ' abl1.log | sort -k4 -n | tail -1")[0].hasPrefix("Epoch 3 PESQ 3.0040 "))
    #expect(
      try sh("grep 'PESQ' abl2.log | sort -k4 -n | tail -1")[0].hasPrefix("Epoch 3 PESQ 3.1000 "))
    #expect(
      try sh("grep 'PESQ' abl3.log | awk '{print $2\",\"$4}' > abl3_pesq.csv; cat abl3_pesq.csv")
        == ["1,nan", "2,10.5000", "3,9.2500", "4,3.3001"])
    let table = #"""
      echo "Model,Params(M),Best PESQ,Epoch"
      echo "BSRNN,2.4,3.00,12"
      echo "Modified,2.14,2.62,20"
      echo -n "Ablation1,3.96," && grep 'PESQ' abl1.log | sort -k4 -n | tail -1 \#
      | awk '{print $4","$2}'
      echo -n "Ablation2,4.42," && grep 'PESQ' abl2.log | sort -k4 -n | tail -1 \#
      | awk '{print $4","$2}'
      echo -n "Ablation3,2.82," && grep 'PESQ' abl3.log | sort -k4 -n | tail -1 \#
      | awk '{print $4","$2}'
      """#
    #expect(
      try sh(table) == [
        "Model,Params(M),Best PESQ,Epoch", "BSRNN,2.4,3.00,12", "Modified,2.14,2.62,20",
        "Ablation1,3.96,3.0040,3", "Ablation2,4.42,3.1000,3", "Ablation3,2.82,10.5000,2",
      ])
  }

  @Test func fileGetsPlainProgressLinesNowAndThen() throws {
    var time = 1_000.0
    let text = try logFile(now: { time }) { log in
      log.line("start")
      log.beginProgress("epoch 1/2", total: 100)
      for step in 1...100 {
        time += 1
        log.progress(completed: step, loss: 0.25, audioSeconds: Double(step) * 12)
      }
      log.endProgress()
      log.progress(completed: 1)
      log.line("end")
    }
    #expect(
      text == """
        start
        epoch 1/2  30/100  30%  loss 0.2500  12.0 audio-s/s  elapsed 0:00:30  left 0:01:10
        epoch 1/2  60/100  60%  loss 0.2500  12.0 audio-s/s  elapsed 0:01:00  left 0:00:40
        epoch 1/2  90/100  90%  loss 0.2500  12.0 audio-s/s  elapsed 0:01:30  left 0:00:10
        end

        """)
  }

  @Test func resumedPassEstimatesFromWhatItDidItself() throws {
    var time = 0.0
    let text = try logFile(now: { time }) { log in
      log.beginProgress("epoch 1/2", total: 100, completed: 80)
      time = 30
      log.progress(completed: 90)
    }
    #expect(text == "epoch 1/2  90/100  90%  elapsed 0:00:30  left 0:00:30\n")
  }

  @Test func whatIsNoStepsNamesItsUnit() throws {
    var time = 0.0
    let text = try logFile(now: { time }) { log in
      log.beginProgress("enhancing", total: 600, unit: "s")
      log.progress(completed: 0)
      time = 30
      log.progress(completed: 150, audioSeconds: 150)
    }
    #expect(
      text == "enhancing  150/600 s  25%  5.0 audio-s/s  elapsed 0:00:30  left 0:01:30\n")
  }

  @Test func terminalGetsABarThatRedrawsInPlace() throws {
    let terminal = try PseudoTerminal(columns: 100)
    var time = 0.0
    let log = try RunLog(
      rank: 0, standardOutput: terminal.inside, standardError: terminal.inside,
      isDumbTerminal: false, now: { time })
    log.beginProgress("epoch 1/2", total: 200)
    for step in 1...100 {
      time += 0.01
      log.progress(completed: step, loss: 0.5, audioSeconds: Double(step))
    }
    let drawn = terminal.read()
    #expect(drawn.split(separator: "\r").count == 10, "at most ten redraws a second: \(drawn)")
    #expect(!drawn.contains("\n"))
    log.line("a line")
    log.endProgress()
    let rest = terminal.read()
    // Erased, the line, drawn again, erased.
    #expect(rest.hasPrefix("\r\u{1b}[Ka line\r\n\r["), "\(rest)")
    #expect(rest.hasSuffix("\u{1b}[K\r\u{1b}[K"), "\(rest)")
    for line in (drawn + rest).split(whereSeparator: { $0 == "\r" || $0.isNewline }) {
      #expect(line.replacing("\u{1b}[K", with: "").count < 100, "the line wraps: \(line)")
    }
  }

  @Test func narrowTerminalDoesNotWrap() throws {
    let terminal = try PseudoTerminal(columns: 20)
    let log = try RunLog(
      rank: 0, standardOutput: terminal.inside, standardError: terminal.inside,
      isDumbTerminal: false, now: { 0 })
    log.beginProgress("a long label for a narrow terminal", total: 2)
    log.progress(completed: 1)
    #expect(terminal.read() == "\ra long label for a \u{1b}[K")
  }

  @Test func barStaysOutOfARedirectedFile() throws {
    let terminal = try PseudoTerminal(columns: 80)
    let path = folder.appending(path: "out.log").path(percentEncoded: false)
    let file = open(path, O_WRONLY | O_CREAT, 0o644)
    defer { close(file) }
    var time = 0.0
    let log = try RunLog(
      rank: 0, standardOutput: file, standardError: terminal.inside, isDumbTerminal: false,
      now: { time })
    log.beginProgress("epoch 1/2", total: 10)
    for step in 1...10 {
      time += 31
      log.progress(completed: step)
    }
    log.endProgress()
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(!text.contains("\r") && !text.contains("\u{1b}"))
    #expect(text.split(separator: "\n").count == 10)
    #expect(terminal.read().contains("\u{1b}[K"))
  }

  @Test func rankUnderALauncherDrawsWhereTheLauncherDoes() throws {
    // As under mpirun: stdout is a pseudo-terminal of the launcher's, stderr a pipe (here a file).
    let path = folder.appending(path: "errors.log").path(percentEncoded: false)
    let file = open(path, O_WRONLY | O_CREAT, 0o644)
    defer { close(file) }
    for writesToTerminal in [true, false] {
      let terminal = try PseudoTerminal(columns: 80)
      let log = try RunLog(
        rank: 0, standardOutput: terminal.inside, standardError: file, isDumbTerminal: false,
        launcherWritesToTerminal: writesToTerminal, now: { 0 })
      log.beginProgress("epoch 1/2", total: 10)
      log.progress(completed: 5)
      log.line("a line")
      log.endProgress()
      let text = terminal.read()
      #expect(text.contains("50%") == writesToTerminal, "\(text)")
      #expect(text.contains("\u{1b}[K") == writesToTerminal, "\(text)")
      #expect(text.contains("a line\r\n"), "\(text)")
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "")
  }

  @Test func otherRanksAreSilent() throws {
    let text = try logFile(rank: 1) { log in
      log.line("line")
      log.warning("warning")
      log.beginProgress("epoch", total: 1)
      log.progress(completed: 1)
      log.endProgress()
      log.append(epoch(1, pesq: 3))
      log.append(stop)
    }
    #expect(text == "")
    let metrics = folder.appending(path: "metrics.jsonl").path(percentEncoded: false)
    #expect(!FileManager.default.fileExists(atPath: metrics))
  }

  @Test func eventsAreOneJSONObjectPerLine() throws {
    try logFile { log in
      log.append(.stop(.init(step: 4, reason: "a \"quoted\"\n\\ line/\u{1}é")))
      log.append(epoch(2, pesq: nil))
    }
    // A second run of the same folder appends.
    try logFile { $0.append(stop) }
    let events = try events()
    #expect(events.map { $0["event"] as? String } == ["stop", "epoch", "stop"])
    #expect(events[0]["reason"] as? String == "a \"quoted\"\n\\ line/\u{1}é")
    #expect(events[0]["step"] as? Int == 4)
    #expect(events[1]["epoch"] as? Int == 2)
    #expect(events[1]["pesq"] is NSNull)
    #expect(events[1]["noisy_pesq"] as? Double == 1.97)
    let time = try #require(events[2]["time"] as? String)
    let date = try #require(
      try? Date(time, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)),
      "\(time)")
    #expect(abs(date.timeIntervalSinceNow) < 60, "\(time)")
  }

  @Test func fragmentOfAKilledRunIsCutOff() throws {
    let url = folder.appending(path: "metrics.jsonl")
    for (before, kept) in [("{\"event\":\"a\"}\n{\"eve", 1), ("{\"eve", 0), ("", 0)] {
      try Data(before.utf8).write(to: url)
      try logFile { $0.append(stop) }
      #expect(try events().count == kept + 1)
    }
  }

  @Test func metricsFolderThatIsMissingIsAnErrorAtTheStart() {
    let path = folder.appending(path: "none/metrics.jsonl").path(percentEncoded: false)
    #expect(throws: AtomicFileError.folderMissing(path: path)) {
      try RunLog(rank: 0, runFolder: folder.appending(path: "none"))
    }
  }

  @Test func failingMetricsFileIsReportedOnceAndEndsNothing() throws {
    let full = folder.appending(path: "metrics.jsonl").path(percentEncoded: false)
    try FileManager.default.createSymbolicLink(atPath: full, withDestinationPath: "/dev/full")
    let text = try logFile { log in
      for _ in 0..<5 { log.append(stop) }
      log.line("still here")
    }
    let lines = text.split(separator: "\n")
    #expect(lines.count == 2, "\(text)")
    #expect(lines[0].hasPrefix("warning: ") && lines[0].contains("no space left"), "\(text)")
  }
}

/// A terminal whose screen the test reads.
private final class PseudoTerminal {
  private let outside: Int32
  /// End of a terminal that a program would have as stdout.
  let inside: Int32

  init(columns: UInt16) throws {
    outside = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    // grantpt and its kin are not visible to Swift: Linux's TIOCSPTLCK and TIOCGPTN.
    var lock: Int32 = 0
    var number: Int32 = -1
    try #require(ioctl(outside, 0x4004_5431, &lock) == 0)
    try #require(ioctl(outside, 0x8004_5430, &number) == 0)
    inside = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    try #require(inside >= 0)
    var size = winsize(ws_row: 25, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    try #require(ioctl(inside, UInt(TIOCSWINSZ), &size) == 0)
  }

  deinit {
    close(inside)
    close(outside)
  }

  /// Text written since the last call.
  func read() -> String {
    var bytes: [UInt8] = []
    var entry = pollfd(fd: outside, events: Int16(POLLIN), revents: 0)
    var block = [UInt8](repeating: 0, count: 4_096)
    while poll(&entry, 1, 100) > 0 {
      let length = Foundation.read(outside, &block, block.count)
      if length <= 0 { break }
      bytes += block.prefix(length)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
