import Audio
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Paths that are no files, or that code for paths may trip over.
@Suite struct OddPathsTests {
  /// A folder with weights, a preset, a corpus and a recording, all of short names.
  private func withInputs(_ body: (URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      _ = try FixtureCorpus(in: folder, splits: ["train": 2, "valid": 1, "test": 1])
      try tinyModel.write(
        to: folder.appending(path: "p.json"), atomically: true, encoding: .utf8)
      let files = FileManager.default
      try files.copyItem(atPath: EnhanceFixture.weights, toPath: folder.file("x"))
      try files.copyItem(atPath: EnhanceFixture.preset, toPath: folder.file("y"))
      try files.copyItem(atPath: EnhanceFixture.input, toPath: folder.file("z"))
      try body(folder)
    }
  }

  @Test func namesOfOneLetterAreNames() throws {
    try withInputs { folder in
      let enhanced = try disttrain(
        ["enhance", "--weights", "x", "--preset", "y", "z", "o"], folder: folder)
      // A name without an ending says no format: a sentence.
      expectError(enhanced, "o: ")
      let whole = try disttrain(
        ["enhance", "--weights", "x", "--preset", "y", "z", "o.wav"], folder: folder)
      #expect(whole.status == 0 && whole.errors == "", "\(whole)")
      let missing = try disttrain(
        ["evaluate", "--weights", "-", "--data", "corpus"], folder: folder)
      expectError(missing, "/-: the file cannot be read: there is no such file")
    }
  }

  /// Nobody writes into the pipe: who opens it without care waits for ever.
  @Test(arguments: ["pipe", "/dev/zero"]) func whatIsNoFileIsRefused(path: String) throws {
    try withInputs { folder in
      mkfifo(folder.file("pipe"), 0o600)
      let weights = ["--weights", "x", "--preset", "y"]
      let commands = [
        ["train", "--preset", "p.json", "--data", path, "--run-dir", "r"],
        ["prepare", "verify", "--data", path], ["describe", "--preset", path],
        ["enhance", "--weights", path, "z", "o.wav"], ["enhance"] + weights + [path, "o.wav"],
        ["evaluate"] + weights + ["--data", path], ["replay", path],
        ["score", "--reference", path, "--degraded", "z"],
      ]
      for command in commands {
        let outcome = try disttrain(command, folder: folder, timeLimit: 20)
        #expect(outcome.status == 1, "\(command): \(outcome)")
        // score lists in its table what could not be scored.
        let said = outcome.errors + outcome.output
        #expect(said.contains("pipe or a device"), "\(command): \(outcome)")
      }
    }
  }

  @Test func aRunWithAPipeAmongItsFilesIsLookedAt() throws {
    try withTemporaryFolder { folder in
      try folder.makeRun("run", scores: ["2.5"])
      for name in ["metrics.jsonl", "best-scores.csv", "mixtures.csv"] {
        try? FileManager.default.removeItem(atPath: folder.file("run/\(name)"))
        mkfifo(folder.file("run/\(name)"), 0o600)
      }
      func outcome(_ command: [String]) throws -> SubprocessOutcome {
        try disttrain(command, folder: folder, timeLimit: 20)
      }
      let report = ["report", "run", "--no-audio", "--output", "r.html"]
      expectError(try outcome(report), "best-scores.csv cannot be read: it is a pipe or a device")
      let compared = try outcome(["compare", "run"])
      #expect(compared.status == 0 && compared.output.contains("2.5000"), "\(compared)")
      #expect(try outcome(["watch", "--once", "run"]).status == 0)
      for (name, command) in [("history.csv", ["compare", "run"]), ("configuration.json", report)] {
        try FileManager.default.removeItem(atPath: folder.file("run/\(name)"))
        mkfifo(folder.file("run/\(name)"), 0o600)
        expectError(try outcome(command), "run/\(name) cannot be read: it is a pipe or a device")
      }
    }
  }

  @Test func tracesAreNoFilesOfTheRun() throws {
    try withInputs { folder in
      let train = ["train", "--preset", "p.json", "--data", "corpus", "--seconds", "0.3"]
      for (trace, text) in [
        ("r/step-00000001.safetensors", "the run writes a file of this name itself"),
        ("r/last.safetensors", "would be"), ("r", "is no regular file"),
      ] {
        for end in [[], ["--dry-run"]] {
          let outcome = try disttrain(
            train + ["--run-dir", "r", "--trace", trace] + end, folder: folder)
          expectError(outcome, trace, text)
          #expect(!FileManager.default.fileExists(atPath: folder.file("r/metrics.jsonl")))
        }
      }
    }
  }
}
