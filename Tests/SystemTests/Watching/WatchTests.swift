import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain watch` on files as training leaves them.
@Suite(.serialized) struct WatchTests {
  private func line(
    _ second: Double, _ event: String, _ members: String
  ) -> String {
    let time = String(
      format: "2026-01-05T10:%02d:%06.3fZ", Int(second) / 60, second - Double(Int(second) / 60 * 60)
    )
    return "{\"event\":\"\(event)\",\(members),\"time\":\"\(time)\"}\n"
  }

  private var events: String { events(secondScore: "2.25") }

  /// Two epochs of four steps of ten, a second each, with validations of five.
  private func events(secondScore: String) -> String {
    var text = line(
      0, "start",
      "\"step\":0,\"ranks\":2,\"epochs\":10,\"steps_per_epoch\":4,\"audio_seconds_per_step\":12")
    var second = 0.0
    for step in 1...8 {
      second += 1
      text += line(
        second, "step", "\"step\":\(step),\"loss\":0.0\(9 - step),\"skipped\":\(step == 3)")
      if step % 4 == 0 {
        second += 5
        let score = step == 4 ? "2.5" : secondScore
        text += line(
          second, "epoch",
          "\"epoch\":\(step / 4),\"step\":\(step),\"pesq\":\(score),\"noisy_pesq\":1.97,"
            + "\"loss\":0.02,\"train_loss\":0.03,\"validation_seconds\":5,"
            + "\"audio_seconds_per_second\":12")
      }
    }
    for step in 9...11 {
      second += 1
      text += line(second, "step", "\"step\":\(step),\"loss\":0.011,\"skipped\":false")
    }
    return text
  }

  private static let log = """
    disttrain 0.1.0: Ablation 1 (abl1), 4108816 parameters, AVX-512 kernels
    ranks 2, batch 3 per rank, global batch 6, crops of 2.0 s
    964 steps an epoch, 40 epochs, rate 0.001 (step, warm-up 0), clip 5.0, averaging off, seed 0
    run folder checkpoints_abl1/
    Epoch 1 PESQ 2.1083 noisy 1.8198 SI-SDR 5.74 noisy-SI-SDR 7.89 loss 0.1706 train-loss 0.1972 \
    scored 10/10 seconds 1000.0 audio-s/s 12.5 learning-rate 0.001 validation-share 0.100
    warning: step 970 skipped on all ranks: loss or gradient is not finite (1 so far); its …
    epoch 2/40  120/964  12%  loss 0.0312  12.3 audio-s/s  elapsed 0:02:11  left 0:15:20

    """

  /// The cells of the row of a run, split at two spaces and more.
  private func row(_ name: String, _ output: String) throws -> [String] {
    let line = try #require(
      output.split(separator: "\n").first { $0.hasPrefix(name + " ") }, "\(output)")
    return line.split(separator: "  ", omittingEmptySubsequences: true)
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  @Test func aRunFolderIsSummedUp() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("run")
      try events.write(toFile: folder.file("run/metrics.jsonl"), atomically: true, encoding: .utf8)
      let outcome = try disttrain(["watch", "run/"], folder: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      #expect(
        outcome.output.split(separator: "\n")[0].split(separator: "  ").map {
          $0.trimmingCharacters(in: .whitespaces)
        }.filter { !$0.isEmpty } == [
          "run", "epoch", "step", "loss", "pesq", "best", "in epoch", "noisy", "trend", "skipped",
          "audio-s/s", "left", "state",
        ])
      let cells = try row("run", String(outcome.output.drop { !$0.isNewline }.dropFirst()))
      // 29 steps of a second and 8 validations of five; a batch of 12 s a second.
      #expect(
        Array(cells.prefix(12)) == [
          "run", "2/10", "3/4", "0.0110", "2.2500", "2.5000", "1", "1.9700", "█▁", "1", "12.0",
          "0:01:09",
        ], "\(outcome)")
      #expect(cells.last?.hasPrefix("silent for ") == true, "\(outcome)")
    }
  }

  /// Steps that are done again count once, and numbers that make no sense do no harm.
  @Test func oddEventsAreNoTrouble() throws {
    try withTemporaryFolder { folder in
      let again =
        line(20, "start", "\"step\":2,\"ranks\":1,\"epochs\":10,\"steps_per_epoch\":4")
        + line(21, "step", "\"step\":3,\"loss\":0.5,\"skipped\":true")
      let endless =
        line(20, "start", "\"step\":0,\"epochs\":\(Int.max),\"steps_per_epoch\":\(Int.max)")
        + line(21, "step", "\"step\":1") + line(22, "step", "\"step\":2")
        + line(23, "epoch", "\"epoch\":\(Int.max),\"pesq\":2") + "null\n[]\nnothing\n"
      for (name, text) in [("again", events + again), ("endless", endless)] {
        try folder.makeFolder(name)
        try text.write(
          toFile: folder.file("\(name)/metrics.jsonl"), atomically: true, encoding: .utf8)
      }
      let outcome = try disttrain(["watch", "again", "endless"], folder: folder)
      #expect(outcome.status == 0, "\(outcome)")
      let cells = try row("again", outcome.output)
      // Epoch 1 is done again; its score does not count.
      #expect(cells[1...2] == ["0/10", "3/4"] && cells[8] == "1", "\(outcome)")
      #expect(try row("endless", outcome.output)[1] == "0/?", "\(outcome)")
    }
  }

  /// Table that `watch` prints for a run with these events.
  private func cells(_ events: String) throws -> [String] {
    try withTemporaryFolder { folder in
      try folder.makeFolder("one")
      try events.write(toFile: folder.file("one/metrics.jsonl"), atomically: true, encoding: .utf8)
      let outcome = try disttrain(["watch", "one"], folder: folder)
      #expect(outcome.status == 0, "\(outcome)")
      return try row("one", outcome.output)
    }
  }

  private func steps(_ steps: ClosedRange<Int>, from second: Double) -> String {
    steps.enumerated().map { index, step in
      line(second + Double(index), "step", "\"step\":\(step),\"loss\":0.5,\"skipped\":false")
    }.joined()
  }

  /// Back from step 11, in the third epoch, into the second.
  @Test func epochsThatARollbackUndoesDoNotCount() throws {
    let back = line(
      25, "rollback", "\"from_step\":11,\"step\":6,\"epoch\":2,\"rate_factor\":0.5")
    let undone = events(secondScore: "2.75") + back
    // The run keeps its best weights, though they are of an epoch that is done again.
    #expect(
      Array(try cells(undone).prefix(12)) == [
        "one", "1/10", "2/4", "-", "2.5000", "2.7500", "2", "1.9700", "▅", "1", "12.0", "-",
      ])
    // 32 steps of a second and nine validations of five.
    #expect(
      Array(try cells(undone + steps(7...8, from: 26)).prefix(12)) == [
        "one", "1/10", "4/4", "0.5000", "2.5000", "2.7500", "2", "1.9700", "▅", "1", "12.0",
        "0:01:17",
      ])
    let again =
      undone + steps(7...8, from: 26)
      + line(
        32, "epoch",
        "\"epoch\":2,\"step\":8,\"pesq\":2.6,\"noisy_pesq\":1.98,\"validation_seconds\":5")
    #expect(
      Array(try cells(again).prefix(9)) == [
        "one", "2/10", "0/4", "0.5000", "2.6000", "2.7500", "2", "1.9800", "▁█",
      ])
    // To the initial weights: skipped steps do not count either.
    let start = line(25, "rollback", "\"from_step\":11,\"step\":0,\"epoch\":1")
    #expect(
      Array(try cells(events + start).prefix(10)) == [
        "one", "0/10", "0/4", "-", "-", "2.5000", "1", "-", "0", "12.0",
      ])
  }

  /// Resumed after step 6, as from an older checkpoint where the newer ones are damaged.
  @Test func epochsThatAResumptionUndoesDoNotCount() throws {
    func start(_ step: Int, at second: Double) -> String {
      line(
        second, "start",
        "\"step\":\(step),\"ranks\":2,\"epochs\":10,\"steps_per_epoch\":4,"
          + "\"audio_seconds_per_step\":12")
    }
    let all = events(secondScore: "2.75")
    let resumed = all + start(6, at: 30)
    #expect(
      Array(try cells(resumed).prefix(12)) == [
        "one", "1/10", "2/4", "-", "2.5000", "2.5000", "1", "1.9700", "▅", "1", "-", "-",
      ])
    #expect(
      Array(try cells(resumed + steps(7...8, from: 31)).prefix(12)) == [
        "one", "1/10", "4/4", "0.5000", "2.5000", "2.5000", "1", "1.9700", "▅", "1", "12.0",
        "0:01:17",
      ])
    // A run that was complete is not any more.
    let complete = all + line(20, "epoch", "\"epoch\":10,\"step\":40,\"pesq\":3")
    #expect(try cells(complete).last == "complete")
    let undone = try cells(complete + start(6, at: 30))
    #expect(undone[1] == "1/10" && undone.last?.hasPrefix("silent for") == true, "\(undone)")
    // The checkpoint has the best score of before a rollback only if it is of after it.
    let back = line(25, "rollback", "\"from_step\":11,\"step\":6")
    #expect(Array(try cells(all + back + start(6, at: 30))[5...6]) == ["2.7500", "2"])
    #expect(Array(try cells(all + back + start(4, at: 30))[5...6]) == ["2.5000", "1"])
    // Files of earlier versions do not tell the steps of epochs.
    let older = all.replacing(/"epoch":(\d),"step":\d/) { "\"epoch\":\($0.output.1)" }
    #expect(try cells(older + start(6, at: 30))[1] == "1/10")
    // Nothing is lost: nothing changes.
    #expect(
      Array(try cells(all + start(11, at: 30))[1...6]) == [
        "2/10", "3/4", "0.0110", "2.7500", "2.7500", "2",
      ])
  }

  /// A log tells the same.
  @Test func epochsThatALogUndoesDoNotCount() throws {
    let second =
      "Epoch 2 PESQ 2.2000 noisy 1.8198 SI-SDR 5.74 noisy-SI-SDR 7.89 loss 0.1706 train-loss "
      + "0.1972 scored 10/10 seconds 1000.0 audio-s/s 12.5 learning-rate 0.001 validation-share "
      + "0.100\nwarning: step 1929 skipped on all ranks: loss or gradient is not finite (2 so far)"
      + "\nwarning: step 1930 skipped on all ranks: loss or gradient is not finite (3 so far)\n"
    let back =
      "warning: 2 steps in a row were skipped: back to step 1000 (run/step-00001000.safetensors), "
      + "with the learning rate × 0.5 (rollback 1 of 3)\n"
    func cells(_ text: String) throws -> [String] {
      try withTemporaryFolder { folder in
        try (Self.log + text).write(toFile: folder.file("a.log"), atomically: true, encoding: .utf8)
        return try row("a.log", disttrain(["watch", "a.log"], folder: folder).output)
      }
    }
    #expect(Array(try cells(second)[1...2]) == ["2/40", "0/964"])
    // 39 epochs of 1000 s. Step 970 was skipped, too.
    #expect(
      Array(try cells(second + back).prefix(12)) == [
        "a.log", "1/40", "36/964", "-", "2.1083", "2.2000", "2", "1.8198", "▅", "1", "12.5",
        "10:50:00",
      ])
    let resumed = try cells(second + "run folder run/, continued after step 1000\n")
    #expect(Array(resumed[1...2]) == ["1/40", "36/964"] && resumed[5] == "2.1083", "\(resumed)")
    let new = try cells(second + "run folder run/\n")
    #expect(new[1] == "0/40" && new[5] == "-" && new[9 - 1] == "0", "\(new)")
    // A rollback after a single skipped step, which the log words differently.
    let one = back.replacing("2 steps in a row were", with: "1 step in a row was")
    #expect(Array(try cells(second + one)[1...2]) == ["1/40", "36/964"])
    let short =
      "1 step an epoch, 1 epoch, rate 0.001\nrun folder run/, continued after step 1\n"
    #expect(Array(try cells(second + short)[1...2]) == ["1/1", "0/1"])
    // A dry run, between two jobs that write to one log, undoes nothing.
    #expect(try cells(second + "run folder run/, to be continued after step 9\n")[1] == "2/40")
  }

  @Test func aTerminalWithoutKeysGetsTheTableOnce() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("run")
      try events.write(toFile: folder.file("run/metrics.jsonl"), atomically: true, encoding: .utf8)
      let program = try MPIRun.productPath("disttrain")
      let outcome = try Subprocess.shell(
        "script -qec '\"\(program)\" watch run </dev/null' screen </dev/null", folder: folder,
        timeLimit: 10)
      #expect(outcome.status == 0 && !outcome.timedOut, "\(outcome)")
      #expect(outcome.output.contains("2.5000") && !outcome.output.contains("\u{1b}"), "\(outcome)")
    }
  }

  @Test func statesAreTold() throws {
    try withTemporaryFolder { folder in
      for (name, text) in [
        ("a", line(20, "stop", "\"step\":11,\"reason\":\"SIGTERM\"")),
        ("b", line(20, "diverged", "\"step\":11")),
        ("c", line(20, "epoch", "\"epoch\":10,\"step\":40,\"pesq\":3,\"noisy_pesq\":1.97")),
        // Half a line is what a run is writing just now.
        ("d", "{\"event\":\"stop\",\"step\":11"),
      ] {
        try folder.makeFolder("runs/\(name)/seed0")
        try (events + text).write(
          toFile: folder.file("runs/\(name)/seed0/metrics.jsonl"), atomically: true, encoding: .utf8
        )
      }
      let outcome = try disttrain(["watch", "runs"], folder: folder)
      #expect(outcome.status == 0, "\(outcome)")
      let states = try ["a", "b", "c", "d"].map {
        try row("runs/\($0)/seed0", outcome.output).last ?? ""
      }
      #expect(states[0] == "stopped (SIGTERM)")
      #expect(states[1] == "failed (diverged)")
      #expect(states[2] == "complete")
      #expect(states[3].hasPrefix("silent for "))
    }
  }

  @Test(arguments: [false, true])
  func aLogIsSummedUp(isOld: Bool) throws {
    try withTemporaryFolder { folder in
      // Version 0.1.0 had another word for an epoch.
      let old = Self.log.replacing("steps an epoch, 40 epochs", with: "steps a pass, 40 passes")
        .replacing("epoch 2/40", with: "pass 2/40")
      let text = isOld ? old : Self.log
      try text.write(toFile: folder.file("abl1.log"), atomically: true, encoding: .utf8)
      try "nothing of ours\n".write(
        toFile: folder.file("other.log"), atomically: true, encoding: .utf8)
      for argument in ["abl1.log", "."] {
        let outcome = try disttrain(["watch", "--once", argument], folder: folder)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output.split(separator: "\n").count == 2, "\(outcome)")
        let cells = try row("abl1.log", outcome.output)
        #expect(
          // The rest of this epoch, and 38 of 1000 s.
          cells == [
            "abl1.log", "1/40", "120/964", "0.0312", "2.1083", "2.1083", "1", "1.8198", "▅", "1",
            "12.3", "10:48:40", "running",
          ], "\(outcome)")
      }
    }
  }

  /// Folder and log of a real run give equal rows.
  @Test func aRealRunIsTheSameByFolderAndLog() throws {
    try TrainingBench.use(train: 6) { bench in
      let trained = try bench.train(
        ranks: 2, run: "run", ["--epochs", "3", "--batch", "1"])
      #expect(trained.status == 0, "\(trained)")
      try trained.output.write(
        toFile: bench.folder.file("run.log"), atomically: true, encoding: .utf8)
      let outcome = try disttrain(["watch", "run", "run.log"], folder: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
      let byFolder = try row("run", outcome.output.replacing("run  ", with: "", maxReplacements: 1))
      let byLog = try row("run.log", outcome.output)
      #expect(byFolder[1] == "3/3" && byFolder.last == "complete", "\(outcome)")
      // Loss is the last step's in one and the mean in the other.
      #expect(byFolder[1] == byLog[1] && byFolder[4...7] == byLog[4...7], "\(outcome)")
      #expect(byLog.last == "complete", "\(outcome)")
    }
  }

  /// On a terminal the view follows the files, shows what comes later, and gives the screen back.
  @Test func theViewFollows() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("runs/a")
      try events.write(
        toFile: folder.file("runs/a/metrics.jsonl"), atomically: true, encoding: .utf8)
      // A log counts as long as its run folder is not there.
      try folder.makeFolder("logs")
      try Self.log.write(toFile: folder.file("logs/abl1.log"), atomically: true, encoding: .utf8)
      let later = line(30, "epoch", "\"epoch\":3,\"step\":12,\"pesq\":2.75,\"noisy_pesq\":1.97")
      try later.write(toFile: folder.file("later"), atomically: true, encoding: .utf8)
      let program = try MPIRun.productPath("disttrain")
      let outcome = try Subprocess.shell(
        """
        keys() {
          sleep 0.6; cat later >>runs/a/metrics.jsonl
          mkdir -p runs/b logs/r; cat later >runs/b/metrics.jsonl; cat later >logs/r/metrics.jsonl
          sleep 0.9; printf q; sleep 1
        }
        keys | script -qec 'stty cols 100 rows 20; "\(program)" watch runs logs --interval 0.2; \
        echo status $?; stty -a' screen
        """, folder: folder)
      #expect(outcome.status == 0 && !outcome.timedOut, "\(outcome)")
      let screen = outcome.output
      let first = try #require(screen.range(of: "2.2500"), "\(screen)")
      let update = try #require(screen.range(of: "2.7500"), "\(screen)")
      #expect(first.lowerBound < update.lowerBound)
      #expect(screen.contains("runs/b") && screen.contains("epoch 3: pesq 2.7500"), "\(screen)")
      #expect(screen.contains("started, 2 ranks") && screen.contains("3 runs"), "\(screen)")
      let left = try #require(screen.range(of: "\u{1b}[?25h\u{1b}[?1049l"), "\(screen)")
      #expect(screen[left.upperBound...].contains("status 0"), "\(screen)")
      #expect(screen[left.upperBound...].contains(" icanon") && !screen.contains("-echo "))
      let last = screen[..<left.lowerBound].components(separatedBy: "\u{1b}[H").last ?? ""
      #expect(screen.contains("logs/abl1.log ") && last.contains("logs/r "), "\(screen)")
      #expect(!last.contains("logs/abl1.log"), "\(last)")
      let drawn = screen[..<left.lowerBound].replacing("\u{1b}[H", with: "\n")
      for line in drawn.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" }) {
        let text = line.replacing(/\u{1b}\[[?0-9]*[A-Za-z]|\r/, with: "")
        #expect(text.count <= 100, "the line wraps: \(text)")
      }
    }
  }

  @Test func whatIsNoRunIsOneError() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("empty")
      try "nothing of ours\n".write(
        toFile: folder.file("other.log"), atomically: true, encoding: .utf8)
      expectError(try disttrain(["watch", "nowhere"], folder: folder), "nowhere: no such file")
      expectError(try disttrain(["watch", "empty"], folder: folder), "empty holds no run")
      expectError(try disttrain(["watch", "other.log"], folder: folder), "other.log holds no run")
    }
  }
}
