import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Runs that are refused before they begin, and what is left of them.
@Suite(.serialized) struct RefusedRunsTests {
  private let recipe = ["--epochs", "2", "--batch", "8", "--warmup", "0"]

  /// A start and its dry run have one error, and neither leaves anything.
  @Test(arguments: [1, 2]) func aDryRunHasTheErrorsOfTheStart(ranks: Int) throws {
    try TrainingBench.use { bench in
      try Data("a file".utf8).write(to: bench.folder.appending(path: "file"))
      try bench.folder.makeFolder("odd/history.csv")
      try bench.folder.makeFolder("metrics/metrics.jsonl")
      let before = try bench.folder.names(in: "")
      let cases = [
        ("new/run", ["--warmup", "500"], "number of warm-up steps is 500"),
        ("new/run", ["--resume"], "no checkpoint to resume from; omit --resume"),
        ("new/run", ["--data", "none"], "no such corpus folder"),
        ("new/run", ["--stage", "stage"], "--stage copies a packed corpus"),
        ("new/run", ["--trace", "none/t.json"], "none/t.json could not be written"),
        ("new/run", ["--trace", "new/t.json"], "new/t.json could not be written"),
        ("new/run", ["--seconds", "0.1", "--preset", "none.json"], "none.json"),
        ("file/run", [], "a file of that name is in the way"),
        ("/proc/run", [], "the run folder cannot be made"),
        ("new/" + String(repeating: "n", count: 256), [], "File name too long"),
        ("odd", ["--resume"], "history.csv"),
        ("metrics", ["--resume"], "metrics.jsonl could not be written"),
      ]
      for (run, flags, text) in ranks == 1 ? cases : Array(cases.prefix(2)) {
        var errors: [String] = []
        for dryRun in [[], ["--dry-run"]] {
          let outcome = try bench.train(ranks: ranks, run: run, recipe + flags + dryRun)
          #expect(outcome.status == 1, "\(outcome)")
          let lines = outcome.errors.split(separator: "\n").filter { $0.contains("error: ") }
          #expect(lines.count == 1 && outcome.errors.contains(text), "\(outcome)")
          errors += lines.map(String.init)
          #expect(try bench.folder.names(in: "") == before, "\(flags)")
        }
        #expect(Set(errors).count == 1, "\(errors)")
      }
      let possible = try bench.train(ranks: ranks, run: "new/run", recipe + ["--dry-run"])
      #expect(possible.status == 0 && possible.output.contains("new/run"), "\(possible)")
      #expect(try bench.folder.names(in: "") == before)
      let empty = try bench.train(run: "", recipe)
      #expect(empty.status == 64 && empty.errors.contains("--run-dir is empty"), "\(empty)")
    }
  }

  @Test func aRunWhoseCheckpointsAreGoneIsNotOverwritten() throws {
    try TrainingBench.use { bench in
      #expect(try bench.train(run: "r", recipe).status == 0)
      for name in try bench.folder.names(in: "r") where name.contains(/^(step-|last)/) {
        try FileManager.default.removeItem(atPath: bench.folder.file("r/\(name)"))
      }
      let names = try bench.folder.names(in: "r")
      let files = ["best.safetensors", "history.csv", "best-scores.csv", "configuration.json"]
      let before = try files.map { try bench.data("r", $0) }
      for (flags, text) in [
        ([], "but no checkpoint to continue it from"), (["--resume"], "put back"),
      ] {
        let outcome = try bench.train(run: "r", recipe + flags)
        expectError(outcome, "best.safetensors", "another --run-dir", text)
      }
      #expect(try files.map { try bench.data("r", $0) } == before)
      #expect(try bench.folder.names(in: "r") == names)
    }
  }

  /// A run that was killed before it saved anything begins again, as itself only.
  @Test func aRunThatHasSavedNothingBeginsAgain() throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        run: "b", recipe, environment: ["DISTTRAIN_FAULT": "kill-in-checkpoint@step=3"])
      #expect(outcome.status == 128 + SIGKILL, "\(outcome)")
      expectError(try bench.train(run: "b", recipe), "already holds a run", "add --resume")
      expectError(
        try bench.train(run: "b", recipe + ["--resume", "--lr", "0.5"]), "configuration.json",
        "--lr (0.5 here, 0.001 in the checkpoint)")
      let again = try bench.train(run: "b", recipe + ["--resume"])
      #expect(again.status == 0 && again.output.contains("begins again"), "\(again)")
      #expect(try bench.train(run: "a", recipe).status == 0)
      try bench.expectEqual("a", "b")
    }
  }

  @Test func aResumedRunsFilesSayWhatItIs() throws {
    try TrainingBench.use { bench in
      func epochs() throws -> Int? {
        let object = try JSONSerialization.jsonObject(with: bench.data("r", "configuration.json"))
        return (object as? [String: Any])?["epochs"] as? Int
      }
      let recipe = ["--batch", "12", "--schedule", "constant"]
      #expect(try bench.train(run: "r", recipe + ["--epochs", "2"]).status == 0)
      #expect(try bench.train(run: "r", recipe + ["--epochs", "3", "--resume"]).status == 0)
      #expect(try epochs() == 3)
      let compared = try disttrain(["compare", bench.folder.file("r")])
      #expect(compared.status == 0 && compared.output.contains("3/3"), "\(compared)")
      let before = try bench.data("r", "metrics.jsonl")
      expectError(
        try bench.train(run: "r", recipe + ["--epochs", "2", "--resume"]),
        "the run has begun epoch 3", "give --epochs 3 or more")
      #expect(try epochs() == 3)
      #expect(try bench.data("r", "metrics.jsonl") == before)
    }
  }

  @Test func anEditedPresetIsComparedKeyByKey() throws {
    try TrainingBench.use { bench in
      #expect(try bench.train(run: "r", recipe + ["--stop-after", "1"]).status == 0)
      try bench.folder.makeFolder("edited")
      let model = tinyModel.replacing("\"d_state\": 4", with: "\"d_state\": 5")
        .replacing("\"mask_taps\": 1", with: "\"mask_taps\": 3")
        .replacing("abl3 in small", with: "edited")
      let preset = bench.folder.file("edited/tiny.json")
      try model.write(toFile: preset, atomically: true, encoding: .utf8)
      let outcome = try bench.train(run: "r", recipe + ["--resume", "--preset", preset])
      expectError(
        outcome, "trunk.mamba.d_state of --preset (5 here, 4 in the checkpoint)",
        "decoder.mask_taps of --preset (3 here, 1 in the checkpoint)")
      #expect(!outcome.errors.contains("summary"), "\(outcome)")
    }
  }

  /// A write beyond the limit of the process is an error with a sentence, and no death by a signal.
  @Test func aLimitOfTheFileSizeIsAnError() throws {
    try TrainingBench.use { bench in
      let words = try bench.words(ranks: 1, run: "b", recipe)
      let outcome = try Subprocess.run(
        "/bin/sh", ["-c", "ulimit -f 200; exec \"$@\"", "sh"] + words,
        environment: MPIRun.launchEnvironment(), folder: bench.folder, timeLimit: 60)
      expectError(outcome, "step-00000003.safetensors could not be written", "ulimit -f")
      #expect(!outcome.output.contains("Epoch"), "\(outcome)")
    }
  }
}
