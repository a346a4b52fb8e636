import Audio
import Corpora
import Foundation
import Platform
import Testing
import TestSupport

/// Whatever becomes of a rank, the job ends in time, says whom it waited for, and leaves nobody.
@Suite(.serialized) struct LostRanksTests {
  private let lost = ExitStatus.rankLost.rawValue
  private let recipe = ["--epochs", "500", "--batch", "2"]

  /// Trains with a deadline of 3 s and does `harm` to the rank `victim` in the middle.
  private func harm(
    _ bench: TrainingBench, ranks: Int, victim: Int, until text: String = "saved step ",
    _ harm: String, _ arguments: [String] = ["--timeout", "3s"]
  ) throws -> SubprocessOutcome {
    // mpirun starts ranks in their order.
    let outcome = try bench.train(
      ranks: ranks, run: "a", recipe + arguments, until: text,
      then: "ranks >pids; victim=$(sed -n '\(victim + 1)p' pids); \(harm)")
    try expectNobody(bench, ranks: ranks)
    return outcome
  }

  private func process(_ bench: TrainingBench, _ rank: Int) throws -> pid_t {
    let pids = try String(contentsOfFile: bench.folder.file("pids"), encoding: .utf8)
      .split(separator: "\n")
    return try #require(rank < pids.count ? pid_t(pids[rank]) : nil)
  }

  /// None of the ranks is left, not even a stopped one.
  private func expectNobody(_ bench: TrainingBench, ranks: Int) throws {
    for rank in 0..<ranks {
      let process = try process(bench, rank)
      let deadline = ProcessInfo.processInfo.systemUptime + 3
      while Subprocess.isRunning(process), ProcessInfo.processInfo.systemUptime < deadline {
        usleep(50_000)
      }
      let isLeft = Subprocess.isRunning(process)
      #expect(!isLeft, "process \(process) of rank \(rank) is left")
      if isLeft { kill(process, SIGKILL) }
    }
  }

  /// One report, which names this rank and nobody else.
  private func expectReport(_ outcome: SubprocessOutcome, of rank: Int, _ details: String...) {
    let all = outcome.output + outcome.errors
    #expect(outcome.status == lost && !outcome.timedOut, "\(outcome)")
    #expect(occurrences(of: "disttrain: error: ", in: all) == 1, "\(outcome)")
    #expect(
      occurrences(of: "error: rank \(rank) has not arrived; the others have waited", in: all) == 1,
      "\(outcome)")
    for detail in details { #expect(all.contains(detail), "\(detail) is missing in \(outcome)") }
  }

  private var host: String { Staging.Host.own.name }

  @Test(arguments: [(2, 1), (3, 0)])
  func aStoppedRankIsNamed(ranks: Int, victim: Int) throws {
    try TrainingBench.use { bench in
      let outcome = try harm(bench, ranks: ranks, victim: victim, "kill -STOP $victim")
      let process = try process(bench, victim)
      expectReport(
        outcome, of: victim, "rank \(victim) (host \(host), process \(process)), phase ",
        ", last completed step ",
        "so stopped, dead or cut off; the job ends with status 76")
      // Start, 3 s of waiting, turns of the others, and the end.
      #expect(outcome.seconds < 25, "\(outcome)")
    }
  }

  @Test func aRankStoppedInTheValidationIsNotWaitedForAsLongAsAnHour() throws {
    try TrainingBench.use(train: 12, valid: 36) { bench in
      let outcome = try harm(
        bench, ranks: 2, victim: 1, until: "saved step 3 ", "kill -STOP $victim")
      expectReport(
        outcome, of: 1, "phase validation, last completed step 3, silent for", "(--timeout)")
    }
  }

  @Test(arguments: [0, 1])
  func anEndlessLoopInTheLoaderIsNamed(victim: Int) throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: 2, run: "a", recipe + ["--timeout", "3s"],
        environment: ["DISTTRAIN_FAULT": "loop-in-loader@step=8,rank=\(victim)"])
      expectReport(
        outcome, of: victim, "rank \(victim) (host \(host), process ",
        "phase data loading, last completed step 8, alive, so slow or in an endless loop")
      // Rank 0 says early whom it waits for.
      #expect(
        occurrences(of: "warning: a rank has not arrived for ", in: outcome.errors) == 1,
        "\(outcome)")
    }
  }

  @Test func aRankThatStopsInAStepIsNamedWithTheStep() throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: 3, run: "a", recipe + ["--timeout", "3s"],
        environment: ["DISTTRAIN_FAULT": "stop-process@step=9,rank=1"])
      expectReport(outcome, of: 1, "phase training step, last completed step 9, silent for ")
    }
  }

  @Test func aSlowRankIsWaitedFor() throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: 2, run: "a", ["--epochs", "8", "--batch", "2", "--timeout", "10s"],
        until: "saved step 6 ",
        then: "one=$(ranks | tail -n 1); kill -STOP $one; sleep 2; kill -CONT $one")
      #expect(outcome.status == 0, "\(outcome)")
      #expect(!outcome.output.contains("has not arrived"), "\(outcome)")
      #expect(try bench.history("a").count == 9)
    }
  }

  /// One rank scores minutes of speech, the other has nothing to score and waits.
  @Test func aLongValidationIsWaitedFor() throws {
    try TrainingBench.use { bench in
      let speech = try EnhanceFixture.conversation(rounds: 30)
      for (side, samples) in [("clean", speech.clean), ("noisy", speech.noisy)] {
        try WaveFile.write(
          samples, sampleRate: 16_000, to: bench.folder.file("corpus/valid/\(side)/u000.wav"))
      }
      let outcome = try bench.train(
        ranks: 2, run: "a", ["--epochs", "1", "--batch", "2", "--timeout", "2s"])
      #expect(outcome.status == 0, "\(outcome)")
      #expect(!outcome.errors.contains("has not arrived"), "\(outcome)")
      // More than the deadline: the steps take a tenth of a second together.
      let seconds = try #require(try bench.events("a", "epoch").last?["seconds"] as? Double)
      #expect(seconds > 2.5, "the validation was too short to show anything")
    }
  }

  @Test(arguments: [0, 1]) func aKilledRankEndsTheJobAtOnce(victim: Int) throws {
    try TrainingBench.use { bench in
      let outcome = try harm(
        bench, ranks: 2, victim: victim,
        "date +%s >before; kill -9 $victim; wait $job; "
          + "status=$?; date +%s >after; (exit $status) & job=$!", [])
      #expect(outcome.status == 137, "\(outcome)")
      #expect(outcome.output.contains("exited on signal 9 (Killed)"), "\(outcome)")
      let times = try ["before", "after"].map {
        try Int(
          String(contentsOfFile: bench.folder.file($0), encoding: .utf8).trimmingCharacters(
            in: .whitespacesAndNewlines)) ?? 0
      }
      #expect(times[1] - times[0] <= 10, "\(outcome)")
    }
  }

  @Test func aTrapEndsTheJob() throws {
    try TrainingBench.use { bench in
      // No deadline that the backtrace might miss.
      let outcome = try harm(bench, ranks: 2, victim: 1, "kill -ILL $victim", [])
      #expect(outcome.status == 128 + SIGILL && !outcome.timedOut, "\(outcome)")
      #expect(!outcome.output.contains("has not arrived; the others"), "\(outcome)")
    }
  }

  // One file, and all of them at once: then every rank has an error of its own.
  @Test(arguments: ["u004.wav", "*.wav"]) func anErrorOfARankIsToldOnce(files: String) throws {
    try TrainingBench.use { bench in
      let outcome = try harm(
        bench, ranks: 3, victim: 1,
        "for file in corpus/train/noisy/\(files); do head -c 50 $file >cut; mv cut $file; done")
      #expect(outcome.status == 1 && !outcome.timedOut, "\(outcome)")
      #expect(
        occurrences(of: "a training file cannot be used: ", in: outcome.output) == 1,
        "\(outcome)")
      #expect(occurrences(of: "error: ", in: outcome.output) == 1, "\(outcome)")
      if files != "*.wav" { #expect(outcome.output.contains(files), "\(outcome)") }
      // All ranks left in order, and the last step is saved.
      #expect(!outcome.output.contains("MPI_ABORT"), "\(outcome)")
      let step = try #require(try bench.events("a", "step").last?["step"] as? Int)
      #expect(try bench.events("a", "checkpoint").last?["step"] as? Int == step)
    }
  }

  @Test(
    .enabled(
      if: EmulatedHosts.isPossible,
      """
      SKIPPED: a host whose network is cut needs emulated hosts (scripts/hosts.sh), and this \
      machine lets us make none: run as root with iproute2, where network namespaces are allowed
      """))
  func aHostWhoseNetworkIsCutIsNamed() throws {
    try TrainingBench.use { bench in
      try EmulatedHosts.use(2) { hosts in
        let outcome = try bench.train(
          run: "a", recipe + ["--timeout", "5s"],
          launcher: hosts.launcher(ranks: 2, hosts: 2), environment: hosts.environment,
          until: "saved step 6 ", then: "date +%s >before; \(EmulatedHosts.script) cut h2")
        #expect(outcome.status != 0 && !outcome.timedOut, "\(outcome)")
        #expect(
          occurrences(of: "error: rank 1 has not arrived; the others", in: outcome.output) == 1,
          "\(outcome)")
        #expect(
          outcome.output.contains("rank 1 (host h2, process "), "\(outcome)")
        let before = try String(contentsOfFile: bench.folder.file("before"), encoding: .utf8)
        let cut = Double(before.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        var left = try hosts.processes(hosts: 2)
        while !left.isEmpty, Date().timeIntervalSince1970 < cut + 25 {
          usleep(200_000)
          left = try hosts.processes(hosts: 2)
        }
        #expect(left == [])
      }
    }
  }
}
