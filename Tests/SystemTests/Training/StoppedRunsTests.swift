import Corpora
import Foundation
import Platform
import ProgramTestSupport
import Testing
import TestSupport

/// Runs that are asked to stop save, say so, and end with a status that means "start me again".
@Suite(.serialized) struct StoppedRunsTests {
  private let saved = ExitStatus.saved.rawValue

  // The second signal of a kind changes nothing.
  @Test(arguments: [
    (1, "kill -TERM $job; kill -TERM $job", "SIGTERM"), (2, "kill -USR1 $job", "SIGUSR1"),
    (2, "kill -USR1 $(ranks | tail -n 1)", "a signal to another rank"),
  ])
  func signalsEndWithACheckpoint(ranks: Int, harm: String, name: String) throws {
    try TrainingBench.use { bench in
      let recipe = ["--epochs", "200", "--batch", "\(4 / ranks)"]
      let stopped = try bench.train(
        ranks: ranks, run: "b", recipe, until: "saved step 6 ", then: harm)
      #expect(stopped.status == saved, "\(stopped)")
      #expect(occurrences(of: "by \(name); saved, and", in: stopped.output) == 1, "\(stopped)")
      #expect(!stopped.output.contains("error:"), "\(stopped)")
      let stop = try #require(try bench.events("b", "stop").last)
      let step = try #require(stop["step"] as? Int)
      let checkpoint = try #require(try bench.events("b", "checkpoint").last)
      #expect(checkpoint["step"] as? Int == step && step >= 6)
      #expect(try bench.events("b", "step").last?["step"] as? Int == step)
      // And it goes on as if nothing had been: up to the same step a run has the same numbers.
      let end = ["--stop-after", "\(step + 5)"]
      let resumed = try bench.train(ranks: ranks, run: "b", recipe + end + ["--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      #expect(try bench.train(ranks: ranks, run: "a", recipe + end).status == 0)
      try bench.expectEqual("a", "b")
    }
  }

  @Test func aSignalEndsTheValidationUnderWay() throws {
    try TrainingBench.use(train: 12, valid: 24) { bench in
      let recipe = ["--epochs", "2", "--batch", "2"]
      let stopped = try bench.train(
        ranks: 2, run: "b", recipe, until: "saved step 3 ",
        // Between the checkpoint and the validation the run would stop before it.
        then: "sleep 0.1; kill -USR1 $job")
      #expect(stopped.status == saved, "\(stopped)")
      #expect(
        stopped.output.contains("stopped after 3 steps, in the validation of epoch 1 by SIGUSR1"),
        "\(stopped)")
      #expect(!stopped.output.contains("PESQ"), "\(stopped)")
      #expect(!(try bench.folder.names(in: "b").contains("history.csv")))
      #expect(!(try bench.folder.names(in: "b").contains("best.safetensors")))
      // It goes straight on to the validation.
      let resumed = try bench.train(ranks: 2, run: "b", recipe + ["--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      #expect(try bench.train(ranks: 2, run: "a", recipe).status == 0)
      try bench.expectEqual("a", "b")
      #expect(try bench.events("b", "step").count == 6)
      #expect(try bench.events("b", "epoch").count == 2)
    }
  }

  @Test func withoutStopSignalsASignalEndsTheRunAsUsual() throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        run: "a", ["--epochs", "200", "--batch", "4", "--stop-signals", "none"],
        until: "saved step 6 ", then: "kill -TERM $job")
      #expect(outcome.status == 128 + SIGTERM && !outcome.output.contains("stopped"), "\(outcome)")
    }
  }

  @Test(arguments: [1, 2]) func theEndOfTheTimeIsForeseen(ranks: Int) throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: ranks, run: "a",
        ["--epochs", "20000", "--batch", "4", "--wall-time", "0:01:00", "--wall-margin", "59s"])
      #expect(outcome.status == saved && outcome.seconds < 55, "\(outcome)")
      #expect(
        occurrences(of: "before the end of the time (--wall-time 0:01:00)", in: outcome.output)
          == 1, "\(outcome)")
      let step = try #require(try bench.events("a", "stop").last?["step"] as? Int)
      #expect(try bench.events("a", "checkpoint").last?["step"] as? Int == step)
    }
  }

  @Test func slurmIsAskedForTheEnd() throws {
    try TrainingBench.use { bench in
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      try bench.folder.makeFolder("bin")
      let squeue = bench.folder.file("bin/squeue")
      func train(_ run: String, _ environment: [String: String]) throws -> String {
        let arguments = ["--epochs", "9", "--batch", "4", "--stop-after", "4"]
        let outcome = try bench.train(
          run: run, arguments,
          environment: ["PATH": "\(bench.folder.file("bin")):\(path)"].merging(environment) { $1 })
        #expect([0, saved].contains(outcome.status), "\(outcome)")
        return outcome.output
      }
      // No such program, or one that fails: the run goes on without.
      #expect(!(try train("none", ["SLURM_JOB_ID": "77"])).contains("time left"))
      let script = """
        #!/bin/sh
        [ "$*" = "-h -j 77 -o %e" ] && date -d "+1 hour" +%Y-%m-%dT%H:%M:%S
        """
      try script.write(toFile: squeue, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: squeue)
      let asked = try train("asked", ["SLURM_JOB_ID": "77"])
      #expect(asked.contains("SLURM's end of the job"), "\(asked)")
      #expect(
        asked.contains("time left: 0:59:") || asked.contains("time left: 1:00:00"), "\(asked)")
      #expect(!(try train("other", ["SLURM_JOB_ID": "78"])).contains("time left"))
      // Where SLURM has set its variable, that counts; a minute is the least margin.
      let near = Int(Date().timeIntervalSince1970) + 30
      let told = try train(
        "told", ["SLURM_JOB_ID": "77", "SLURM_JOB_END_TIME": "\(near)"])
      #expect(
        told.contains("stopped after 1 step, before the end of the time (SLURM's"), "\(told)")
    }
  }
}
