import Files
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain train` as users run it: real processes on real speech, with a tiny model.
@Suite(.serialized) struct TrainingRunsTests {
  /// A corpus of `train` and one validation utterance, and the model's file.
  private func withRun(
    train: Int = 24, valid: Int = 1, _ body: (_ folder: URL, _ arguments: [String]) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": train, "valid": valid])
      let preset = folder.appending(path: "tiny.json")
      try tinyModel.write(to: preset, atomically: true, encoding: .utf8)
      try body(
        folder,
        [
          "train", "--preset", preset.path(percentEncoded: false), "--data",
          corpus.folder.path(percentEncoded: false), "--seconds", "0.5", "--seed", "7",
        ])
    }
  }

  private func train(
    ranks: Int, _ arguments: [String], in folder: URL, environment: [String: String] = [:]
  ) throws -> SubprocessOutcome {
    try disttrain(
      ranks: ranks, arguments, environment: environment, folder: folder, timeLimit: 180)
  }

  private func weights(_ folder: URL, _ run: String) throws -> SafetensorsFile {
    try SafetensorsFile(contentsOf: folder.appending(path: "\(run)/last.safetensors"))
  }

  @Test func ranksTimesBatchFollowsOneBigBatch() throws {
    try withRun(train: 120) { folder, arguments in
      // 20 steps of a global batch of 12.
      let recipe = arguments + ["--epochs", "2"]
      for ranks in [1, 2, 3, 4] {
        let outcome = try train(
          ranks: ranks, recipe + ["--batch", "\(12 / ranks)", "--run-dir", "run\(ranks)"],
          in: folder)
        #expect(outcome.status == 0, "\(ranks) ranks: \(outcome)")
        #expect(outcome.output.contains("global batch 12"))
      }
      let reference = try weights(folder, "run1")
      for ranks in [2, 3, 4] {
        let other = try weights(folder, "run\(ranks)")
        for entry in reference.entries where !entry.name.hasPrefix("adam.") {
          let values = try #require(other.tensors[entry.name]).floats()
          expectClose(values, try entry.floats(), 1e-5, "\(entry.name) on \(ranks) ranks")
        }
      }
      // And they did train: every one of the 20 steps reached the optimiser.
      for ranks in [1, 2, 3, 4] {
        #expect(try weights(folder, "run\(ranks)").metadata["adam.step"] == "20")
      }
    }
  }

  @Test func overlapAndBucketsChangeNoBit() throws {
    try withRun { folder, arguments in
      // Three ranks: an all-reduce of MPI's own would add in another order for other sizes.
      let recipe = arguments + ["--epochs", "2", "--batch", "4"]
      for (name, flags) in [
        ("early", []), ("late", ["--no-overlap"]), ("small", ["--bucket-mb", "0.001"]),
        ("smallLate", ["--bucket-mb", "0.001", "--no-overlap"]),
        // All utterances of a step side by side, or, with so little room, one by one.
        ("together", ["--bucket-mb", "0.001", "--overlap-memory", "1000"]),
        ("alone", ["--overlap-memory", "0.001"]),
      ] {
        let outcome = try train(ranks: 3, recipe + ["--run-dir", name] + flags, in: folder)
        #expect(outcome.status == 0, "\(name): \(outcome)")
      }
      let early = try Data(contentsOf: folder.appending(path: "early/last.safetensors"))
      for other in ["late", "small", "smallLate", "together", "alone"] {
        let data = try Data(contentsOf: folder.appending(path: "\(other)/last.safetensors"))
        #expect(data == early, "\(other) differs from early")
      }
      #expect(try weights(folder, "early").metadata["adam.step"] == "4")
    }
  }

  @Test func unevenLastBatchLosesNothing() throws {
    // 7 utterances in global batches of 4: the last has 3 of them, so rank counts deal it unevenly,
    // and with 4 ranks one rank has none.
    try withRun(train: 7) { folder, arguments in
      let recipe = arguments + ["--epochs", "4"]
      for ranks in [1, 2, 4] {
        let outcome = try train(
          ranks: ranks, recipe + ["--batch", "\(4 / ranks)", "--run-dir", "run\(ranks)"],
          in: folder)
        #expect(outcome.status == 0, "\(ranks) ranks: \(outcome)")
      }
      let reference = try weights(folder, "run1")
      for ranks in [2, 4] {
        let other = try weights(folder, "run\(ranks)")
        for entry in reference.entries where !entry.name.hasPrefix("adam.") {
          let values = try #require(other.tensors[entry.name]).floats()
          expectClose(values, try entry.floats(), 1e-5, "\(entry.name) on \(ranks) ranks")
        }
      }
    }
  }

  @Test func ranksWithoutAnyDataTakePart() throws {
    // 2 utterances and 1 to validate: of 4 ranks two train, and one of them validates.
    try withRun(train: 2) { folder, arguments in
      for ranks in [1, 4] {
        let outcome = try train(
          ranks: ranks,
          arguments + ["--epochs", "3", "--batch", "\(4 / ranks)", "--run-dir", "run\(ranks)"],
          in: folder)
        #expect(outcome.status == 0, "\(ranks) ranks: \(outcome)")
      }
      let reference = try weights(folder, "run1")
      let other = try weights(folder, "run4")
      for entry in reference.entries where !entry.name.hasPrefix("adam.") {
        let values = try #require(other.tensors[entry.name]).floats()
        expectClose(values, try entry.floats(), 1e-5, entry.name)
      }
      #expect(other.metadata["adam.step"] == "3")
    }
  }

  @Test func resumeRejectsAnotherRecipe() throws {
    try withRun { folder, arguments in
      let recipe = arguments + ["--epochs", "2", "--batch", "6", "--run-dir", "a"]
      #expect(try train(ranks: 1, recipe + ["--stop-after", "1"], in: folder).status == 0)
      let before = try Data(contentsOf: folder.appending(path: "a/last.safetensors"))
      let occupied = try train(ranks: 1, recipe, in: folder)
      #expect(occupied.status == 1 && occupied.errors.contains("add --resume"), "\(occupied)")
      let other = try train(ranks: 2, recipe + ["--resume", "--lr", "0.5"], in: folder)
      #expect(other.status == 1, "\(other)")
      #expect(other.errors.contains("--lr (0.5 here, 0.001 in the checkpoint)"), "\(other)")
      #expect(other.errors.contains("global batch"), "\(other)")
      let after = try Data(contentsOf: folder.appending(path: "a/last.safetensors"))
      #expect(before == after, "a refused command changed the checkpoint")
      let none = try train(
        ranks: 1, arguments + ["--resume", "--run-dir", "nothing"], in: folder)
      #expect(none.status == 1 && none.errors.contains("no checkpoint to resume"), "\(none)")
    }
  }

  @Test func truncatedCheckpointIsNamed() throws {
    try withRun { folder, arguments in
      let recipe = arguments + ["--epochs", "1", "--run-dir", "a"]
      #expect(try train(ranks: 1, recipe, in: folder).status == 0)
      let file = folder.appending(path: "a/last.safetensors")
      let data = try Data(contentsOf: file)
      for part in [1, 7] {
        try data.prefix(data.count * part / 8).write(to: file)
        let outcome = try train(ranks: 1, recipe + ["--resume"], in: folder)
        #expect(outcome.status == 1, "\(outcome)")
        #expect(outcome.errors.contains("a/step-00000004.safetensors"), "\(outcome)")
      }
    }
  }

  @Test func missingCorpusIsSaidOnce() throws {
    try withRun { folder, arguments in
      var wrong = arguments
      wrong[4] = "/nonexistent/corpus"
      let outcome = try train(ranks: 3, wrong, in: folder)
      #expect(outcome.status == 1, "\(outcome)")
      let text = outcome.output + outcome.errors
      #expect(text.components(separatedBy: "no such corpus folder").count == 2, "\(outcome)")
    }
  }

  @Test func impossibleSettingsAreSaidOnce() throws {
    try withRun { folder, arguments in
      for (flags, text) in [
        (["--warmup", "500"], "number of warm-up steps is 500"),
        (["--preset", "nothing.json"], "nothing.json"),
      ] {
        let outcome = try train(ranks: 3, arguments + ["--epochs", "1"] + flags, in: folder)
        #expect(outcome.status == 1, "\(outcome)")
        let all = outcome.output + outcome.errors
        #expect(all.components(separatedBy: text).count == 2, "\(outcome)")
      }
    }
  }

  @Test func unusableFilesStopOrAreSkipped() throws {
    try withRun { folder, arguments in
      let noisy = folder.appending(path: "corpus/train/noisy/u003.wav")
      try Data("no wave file".utf8).write(to: noisy)
      let stopped = try train(ranks: 2, arguments + ["--epochs", "1"], in: folder)
      #expect(stopped.status == 1 && stopped.errors.contains("u003.wav"), "\(stopped)")
      let skipped = try train(
        ranks: 2, arguments + ["--epochs", "1", "--on-bad-file", "skip"], in: folder)
      #expect(skipped.status == 0, "\(skipped)")
      #expect(skipped.output.contains("train 23 utterances"), "\(skipped)")
      #expect(skipped.output.contains("left out"), "\(skipped)")
    }
  }

  @Test func logServesTheUsualGreps() throws {
    try withRun(valid: 2) { folder, arguments in
      // As people start it: one log file with both streams, plain lines and no bar.
      let outcome = try train(
        ranks: 2, arguments + ["--epochs", "12", "--batch", "12"], in: folder)
      #expect(outcome.status == 0, "\(outcome)")
      let log = folder.appending(path: "abl1.log")
      try (outcome.output + outcome.errors).write(to: log, atomically: true, encoding: .utf8)
      func shell(_ command: String) throws -> [String] {
        let outcome = try Subprocess.run("/bin/sh", ["-c", command], folder: folder, timeLimit: 20)
        return outcome.output.split(separator: "\n").map(String.init)
      }
      let scores = try shell("grep 'PESQ' abl1.log | awk '{print $2\",\"$4}'")
      #expect(scores.count == 12)
      #expect(scores.first?.hasPrefix("1,") == true && scores.last?.hasPrefix("12,") == true)
      let values = scores.compactMap { Double($0.split(separator: ",")[1]) }
      #expect(values.count == 12)
      let best = try shell("grep 'PESQ' abl1.log | sort -k4 -n | tail -1 | awk '{print $4\",\"$2}'")
      #expect(best.count == 1)
      let bestScore = try #require(best.first?.split(separator: ",").first.flatMap { Double($0) })
      #expect(bestScore == values.max())
      let latest = try shell("grep 'Epoch' abl1.log | tail -1")
      #expect(latest.first?.hasPrefix("Epoch 12 PESQ ") == true)
      #expect(try shell("grep 'PESQ' abl*.log | tail -30").count == 12)
      #expect(!outcome.output.contains("\u{1b}") && !outcome.output.contains("\r"))
      // Once, from rank zero.
      #expect(try shell("grep -c 'global batch' abl1.log") == ["1"])
      // The line's named fields.
      let line = try #require(latest.first)
      for field in [
        "noisy ", "SI-SDR ", "loss ", "scored 2/2", "seconds ", "audio-s/s ", "validation-share 0.",
      ] {
        #expect(line.contains(field), "no \(field)in \(line)")
      }
    }
  }
}
