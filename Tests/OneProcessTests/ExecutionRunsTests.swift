import Foundation
import Testing
import TestSupport

/// `train --threads` and `--recompute`, as users run them: how a step is computed, not what.
@Suite(.serialized) struct ExecutionRunsTests {
  @Test func everyByteOfTheCheckpointIsTheSame() throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 6, "valid": 1])
      let preset = folder.appending(path: "tiny.json")
      try tinyModel.write(to: preset, atomically: true, encoding: .utf8)
      let recipe = [
        "train", "--preset", preset.path(percentEncoded: false), "--data",
        corpus.folder.path(percentEncoded: false), "--seconds", "0.5", "--epochs", "1", "--batch",
        "2",
      ]
      var checkpoints: [Data] = []
      for (run, options) in [
        ("plain", []), ("threads", ["--threads", "3"]), ("recompute", ["--recompute"]),
        ("both", ["--threads", "2", "--recompute"]),
      ] {
        let outcome = try MPIRun.runAlone(
          product: "disttrain", arguments: recipe + options + ["--run-dir", run], folder: folder,
          timeLimit: 120)
        #expect(outcome.status == 0, "\(run): \(outcome)")
        #expect(outcome.output.contains("threads per rank") == options.contains("--threads"))
        #expect(outcome.output.contains("recomputed") == options.contains("--recompute"))
        checkpoints.append(
          try Data(contentsOf: folder.appending(path: "\(run)/last.safetensors")))
      }
      #expect(checkpoints.allSatisfy { $0 == checkpoints[0] && !$0.isEmpty })
    }
  }

  @Test func moreThreadsThanCoresIsSaid() throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 1, "valid": 1])
      let preset = folder.appending(path: "tiny.json")
      try tinyModel.write(to: preset, atomically: true, encoding: .utf8)
      let arguments = [
        "train", "--preset", preset.path(percentEncoded: false), "--data",
        corpus.folder.path(percentEncoded: false), "--seconds", "0.5", "--stop-after", "1",
        "--threads",
      ]
      let cores = ProcessInfo.processInfo.activeProcessorCount
      let many = try MPIRun.runAlone(
        product: "disttrain", arguments: arguments + ["\(cores + 1)"], folder: folder,
        timeLimit: 120)
      #expect(many.status == 0, "\(many)")
      let all = many.output + many.errors
      #expect(all.contains("--threads \(cores + 1), but a rank here may use only \(cores)"))
    }
  }
}
