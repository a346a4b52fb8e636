import Files
import Foundation
import Platform
import ProgramTestSupport
import Testing
import TestSupport

/// Validation beside training gives the results of validation that training waits for, whatever
/// happens in between.
@Suite(.serialized) struct AsynchronousValidationTests {
  private let beside = ["--validate-async"]

  /// Whether the newest checkpoint of a run holds weights that wait for their validation.
  private func holdsFrozenWeights(
    _ bench: TrainingBench, _ run: String, _ name: String = "last.safetensors"
  ) throws -> Bool {
    let file = try SafetensorsFile(data: bench.data(run, name), path: run)
    let hasWeights = file.tensors.keys.contains { $0.hasPrefix("frozen.") }
    #expect(hasWeights == (file.metadata["progress"]?.contains("unvalidated") == true))
    return hasWeights
  }

  // With averaged weights, as the bench has them, and without.
  @Test(arguments: [(1, "0.9"), (2, "0"), (3, "0.9")])
  func scoresAreTheSame(ranks: Int, average: String) throws {
    try TrainingBench.use(valid: 7) { bench in
      let recipe = ["--epochs", "3", "--batch", "\(6 / ranks)", "--ema", average]
      let waiting = try bench.train(ranks: ranks, run: "a", recipe)
      #expect(waiting.status == 0, "\(waiting)")
      let outcome = try bench.train(ranks: ranks, run: "b", recipe + beside)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.contains(", validated beside training"), "\(outcome)")
      try bench.expectEqual("a", "b")
      #expect(try bench.history("b").count == 4)
      #expect(try bench.events("b", "epoch").compactMap { $0["epoch"] as? Int } == [1, 2, 3])
      #expect(occurrences(of: "PESQ", in: outcome.output) == 3, "\(outcome)")
      // The first epoch is told of after the first step of the second; the last one waits.
      let kinds = try bench.events("b").compactMap { $0["event"] as? String }
        .filter { ["step", "epoch"].contains($0) }
      let steps = kinds.prefix { $0 == "step" }.count
      #expect(steps > 4 && kinds.count == 15 && kinds.last == "epoch", "\(kinds)")
      for epoch in try bench.events("b", "epoch") {
        let seconds = try #require(epoch["seconds"] as? Double)
        let stood = try #require(epoch["validation_seconds"] as? Double)
        #expect(stood >= 0 && stood <= seconds)
      }
    }
  }

  @Test(arguments: [(1, "kill -9 $job"), (2, "kill -9 $(ranks | tail -n 1)")])
  func killedRunsGoOnBitForBit(ranks: Int, harm: String) throws {
    try TrainingBench.use(valid: 10) { bench in
      // Epochs of 12 steps: after 13 the first one is being validated.
      let recipe = ["--epochs", "3", "--batch", "\(2 / ranks)"]
      let whole = try bench.train(ranks: ranks, run: "a", recipe + ["--stop-after", "30"])
      #expect(whole.status == 0, "\(whole)")
      let killed = try bench.train(
        ranks: ranks, run: "b", recipe + beside + ["--checkpoint-every", "13", "--keep", "9"],
        until: "saved step 13 ", then: harm)
      #expect(killed.status == 137, "\(killed)")
      #expect(try holdsFrozenWeights(bench, "b", "step-00000013.safetensors"))
      try bench.forgetCheckpoints("b", after: 13)
      let resumed = try bench.train(
        ranks: ranks, run: "b", recipe + beside + ["--stop-after", "30", "--resume"])
      #expect(
        resumed.status == 0 && resumed.output.contains("continued after step 13"), "\(resumed)")
      #expect(resumed.output.contains("\nEpoch 1 PESQ "), "\(resumed)")
      try bench.expectEqual("a", "b")
    }
  }

  @Test func stoppedRunsKeepWhatIsToBeValidated() throws {
    try TrainingBench.use(valid: 24) { bench in
      let recipe = ["--epochs", "2", "--batch", "1"]
      #expect(try bench.train(ranks: 2, run: "a", recipe).status == 0)
      let stopped = try bench.train(
        ranks: 2, run: "b", recipe + beside, until: "saved step 12 ", then: "kill -USR1 $job")
      #expect(stopped.status == ExitStatus.saved.rawValue, "\(stopped)")
      #expect(occurrences(of: "by SIGUSR1; saved, and", in: stopped.output) == 1, "\(stopped)")
      #expect(!stopped.output.contains("PESQ") && !stopped.output.contains("error:"), "\(stopped)")
      #expect(try holdsFrozenWeights(bench, "b"))
      let step = try #require(try bench.events("b", "stop").last?["step"] as? Int)
      #expect(step > 12)
      // It goes on in either way: beside training, or before it.
      try FileManager.default.copyItem(
        at: bench.folder.appending(path: "b"), to: bench.folder.appending(path: "c"))
      for (run, flags) in [("b", beside), ("c", [])] {
        let resumed = try bench.train(ranks: 2, run: run, recipe + flags + ["--resume"])
        #expect(resumed.status == 0, "\(resumed)")
        #expect(resumed.output.contains("continued after step \(step)"), "\(resumed)")
        try bench.expectEqual("a", run)
        #expect(try bench.events(run, "step").count == 24)
        #expect(try bench.events(run, "epoch").count == 2)
      }
    }
  }

  @Test func aSignalEndsTheWaitForTheLastValidation() throws {
    // Epochs of two steps: the second is trained long before the first is validated.
    try TrainingBench.use(train: 4, valid: 24) { bench in
      let recipe = ["--epochs", "2", "--batch", "2"]
      let stopped = try bench.train(
        run: "b", recipe + beside, until: "saved step 4 ",
        // Between the checkpoint and the wait the run would stop before it.
        then: "sleep 0.1; kill -TERM $job")
      #expect(stopped.status == ExitStatus.saved.rawValue, "\(stopped)")
      #expect(
        stopped.output.contains("stopped after 4 steps, in the validation of epoch 1 by SIGTERM"),
        "\(stopped)")
      #expect(!stopped.output.contains("PESQ"), "\(stopped)")
      #expect(try holdsFrozenWeights(bench, "b"))
      let resumed = try bench.train(run: "b", recipe + beside + ["--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      #expect(try bench.train(run: "a", recipe).status == 0)
      try bench.expectEqual("a", "b")
      #expect(try bench.events("b", "step").count == 4)
    }
  }

  @Test func unreadableFilesEndTheRunAsTheyDoWithoutIt() throws {
    try TrainingBench.use(valid: 5) { bench in
      let recipe = ["--epochs", "2", "--batch", "2"]
      let file = "corpus/valid/noisy/u003.wav"
      let failed = try bench.train(
        ranks: 2, run: "b", recipe + beside, until: "run folder ", then: "mv \(file) kept.wav")
      #expect(failed.status == 1, "\(failed)")
      #expect(occurrences(of: "error: utterance u003: ", in: failed.output) == 1, "\(failed)")
      #expect(!failed.output.contains("PESQ"), "\(failed)")
      try FileManager.default.moveItem(
        at: bench.folder.appending(path: "kept.wav"), to: bench.folder.appending(path: file))
      let resumed = try bench.train(ranks: 2, run: "b", recipe + beside + ["--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      #expect(try bench.train(ranks: 2, run: "a", recipe).status == 0)
      try bench.expectEqual("a", "b")
    }
  }
}
