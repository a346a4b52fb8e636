import Foundation
import Platform
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain launch` as users run it, with real ranks that are killed and stopped.
@Suite(.serialized) struct LaunchRunsTests {
  @Test func aKilledRankIsFollowedByTheSameRun() throws {
    try TrainingBench.use { bench in
      let recipe = ["--epochs", "9", "--batch", "1", "--stop-after", "60"]
      #expect(try bench.train(ranks: 2, run: "a", recipe).status == 0)
      let outcome = try bench.train(
        ranks: 2, run: "b", recipe + ["--checkpoint-every", "17"],
        launch: ["--restart-delay", "1"], until: "saved step 17 ",
        then: "kill -9 $(launched ranks | tail -n 1)")
      #expect(outcome.status == 0, "\(outcome)")
      let restarts = outcome.output.split(separator: "\n").filter { $0.contains("starting again") }
      #expect(restarts.count == 1, "\(outcome)")
      #expect(
        restarts.first?.hasPrefix("disttrain: launch: attempt 1 ended after 0:00:") == true
          && restarts.first?.contains("with status 137 (SIGKILL ended a process") == true
          && restarts.first?.hasSuffix(" in 1 s (restart 1 of 3)") == true, "\(outcome)")
      let starts = try bench.events("b", "start").compactMap { $0["step"] as? Int }
      #expect(starts.count == 2 && starts[0] == 0 && (17..<60).contains(starts[1]), "\(starts)")
      try bench.expectEqual("a", "b")
    }
  }

  @Test func aCrashBeforeTheFirstCheckpointStartsAnew() throws {
    try TrainingBench.use(train: 120) { bench in
      let recipe = ["--epochs", "1", "--batch", "1"]
      #expect(try bench.train(ranks: 2, run: "a", recipe).status == 0)
      let outcome = try bench.train(
        ranks: 2, run: "b", recipe, launch: ["--restart-delay", "0"], until: "run folder ",
        then: "kill -9 $(launched ranks | tail -n 1)")
      #expect(outcome.status == 0, "\(outcome)")
      #expect(
        occurrences(of: "starting again from the beginning in 0 s", in: outcome.output) == 1,
        "\(outcome)")
      try bench.expectEqual("a", "b")
    }
  }

  @Test func aCrashLoopEndsWithItsAttempts() throws {
    try TrainingBench.use { bench in
      // The fault strikes at the same step whenever the run comes there. No other rank is left, to
      // which mpirun would have to give a second.
      let noGrace = ["--mca", "odls_base_sigkill_timeout", "0"].flatMap { ["--mpirun-arg", $0] }
      let outcome = try bench.train(
        run: "a", ["--epochs", "9", "--batch", "2", "--checkpoint-every", "1"],
        launch: ["--max-restarts", "9", "--restart-delay", "0"] + noGrace,
        environment: ["DISTTRAIN_FAULT": "kill-in-checkpoint@step=4"])
      #expect(outcome.status == 137, "\(outcome)")
      #expect(occurrences(of: "starting again from step 3 ", in: outcome.errors) == 3)
      #expect(outcome.errors.contains("launch: gave up: 3 attempts in a row"), "\(outcome)")
      let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("  attempt ") }
      #expect(lines.count == 4 && lines.allSatisfy { $0.contains(" status 137 ") }, "\(outcome)")
      #expect(lines.first?.hasSuffix(", saved up to step 3") == true, "\(outcome)")
      #expect(
        lines.dropFirst().allSatisfy { $0.hasSuffix(", saved nothing after step 3") }, "\(outcome)")
    }
  }

  /// A shell command that lists mpirun and its two ranks in the file `all`.
  private let list = "echo $(ranks) $(launched ranks) >all; "

  /// Whether none of the processes that `list` found is left, within ten seconds.
  private func areGone(_ bench: TrainingBench) throws -> Bool {
    let text = try String(contentsOfFile: bench.folder.file("all"), encoding: .utf8)
    let processes = text.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
    #expect(processes.count == 3, "\(text)")
    let end = Date(timeIntervalSinceNow: 10)
    while processes.contains(where: Subprocess.isRunning), Date() < end { usleep(20_000) }
    return !processes.contains(where: Subprocess.isRunning)
  }

  @Test func stopSignalsSaveAndEnd() throws {
    try TrainingBench.use { bench in
      let recipe = ["--epochs", "200", "--batch", "2"]
      let outcome = try bench.train(
        ranks: 2, run: "b", recipe, launch: [], until: "saved step 6 ",
        then: list + "kill -TERM $job")
      #expect(outcome.status == ExitStatus.saved.rawValue, "\(outcome)")
      #expect(outcome.output.contains("by SIGUSR1; saved, and"), "\(outcome)")
      #expect(!outcome.output.contains("starting again"), "\(outcome)")
      #expect(outcome.output.contains("disttrain: launch: stopped and saved; "), "\(outcome)")
      #expect(try areGone(bench), "\(outcome)")
      // Through launch, too, the command with --resume continues the run.
      let step = try #require(try bench.events("b", "stop").last?["step"] as? Int)
      let end = ["--stop-after", "\(step + 5)"]
      let resumed = try bench.train(ranks: 2, run: "b", recipe + end + ["--resume"], launch: [])
      #expect(resumed.status == 0, "\(resumed)")
      #expect(try bench.train(ranks: 2, run: "a", recipe + end).status == 0)
      try bench.expectEqual("a", "b")
    }
  }

  @Test(arguments: [
    ("TERM,USR1", "-KILL", 128 + SIGKILL), ("TERM,USR1", "-USR2", 128 + SIGUSR2),
    ("none", "-TERM", 1),
  ])
  func nothingOutlivesALauncherThatIsEnded(names: String, signal: String, status: Int32) throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: 2, run: "b", ["--epochs", "200", "--batch", "2", "--stop-signals", names],
        launch: ["--restart-delay", "0"], until: "saved step 6 ",
        then: list + "kill \(signal) $job")
      #expect(outcome.status == status, "\(outcome)")
      #expect(!outcome.output.contains("starting again"), "\(outcome)")
      #expect(try areGone(bench), "\(outcome)")
    }
  }

  @Test func aSignalInThePauseEndsTheLaunch() throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: 2, run: "b", ["--epochs", "200", "--batch", "2"], launch: ["--restart-delay", "60"],
        until: "saved step 6 ",
        then: """
          kill -9 $(launched ranks | tail -n 1)
          while [ -e /proc/$job/exe ] && ! grep -q 'starting again' log; do sleep 0.05; done
          kill -TERM $job
          """)
      #expect(outcome.status == ExitStatus.saved.rawValue && outcome.seconds < 50, "\(outcome)")
      #expect(outcome.output.contains("launch: stopped before the next attempt"), "\(outcome)")
    }
  }

  @Test func errorsThatAreToldAreNotTriedAgain() throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: 2, run: "a", ["--resume", "--batch", "2"], launch: ["--restart-delay", "0"])
      #expect(outcome.status == 1, "\(outcome)")
      #expect(occurrences(of: "no checkpoint to resume from", in: outcome.errors) == 1)
      let text = "launch: not started again after status 1 (an error, printed above"
      #expect(outcome.errors.contains(text), "\(outcome)")
    }
  }

  private let command = ["--ranks", "2", "--", "train", "--preset", "abl1", "--data", "a corpus"]

  @Test func aDryRunPrintsTheCommandLine() throws {
    let outcome = try disttrain(
      ["launch", "--dry-run", "--mpirun-arg", "--bind-to"]
        + ["--mpirun-arg", "none"] + command)
    #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
    let words = outcome.output.split(separator: " ").map(String.init)
    #expect(words.first?.hasSuffix("/mpirun") == true, "\(outcome)")
    #expect(Array(words.dropFirst().prefix(2)) == ["-np", "2"], "\(outcome)")
    let program = try MPIRun.productPath("disttrain")
    #expect(
      outcome.output.hasSuffix(
        " 3 --bind-to none \(program) train --preset abl1 --data 'a corpus'\n"), "\(outcome)")
  }

  @Test func whatCannotBeLaunchedIsOneSentence() throws {
    let launch = ["launch"] + command
    expectError(try disttrain(launch, environment: ["PATH": "/none"]), "package openmpi-bin")
    expectError(
      try disttrain(launch, environment: ["OMPI_COMM_WORLD_RANK": "0"]),
      "launch starts the ranks itself, and mpirun has started it")
    expectError(
      try disttrain(["launch", "--hostfile", "none/hosts"] + command),
      "--hostfile none/hosts cannot be read")
    // Only root is refused.
    let refused = try disttrain(
      ["launch", "--dry-run"] + command, environment: ["OMPI_ALLOW_RUN_AS_ROOT": ""])
    if geteuid() == 0 {
      expectError(refused, "add --allow-run-as-root (in a container")
    } else {
      #expect(refused.status == 0, "\(refused)")
    }
  }
}
