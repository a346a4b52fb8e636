import Files
import Foundation
import TestSupport
import Testing

/// Runs of recipes: equal for any ranks, exact when they are continued, and refused when they are
/// impossible.
@Suite(.serialized) struct RecipeRunsTests {
  private func tensors(_ bench: TrainingBench, _ run: String) throws -> [String: [Float]] {
    let file = try SafetensorsFile(data: bench.data(run, "last.safetensors"), path: run)
    return try file.tensors.mapValues { try $0.floats() }
  }

  private static let losses = """
    {"complex": {"weight": 0.1, "norm": "l2", "exponent": 0.3},
     "magnitude": {"weight": 0.9, "norm": "l2", "exponent": 0.3, "epsilon": 1e-4},
     "phase": {"weight": 0.3}, "time": 0.2, "consistency": {"weight": 0.1, "exponent": 0.3},
     "si_snr": 0.01, "transform": {"n_fft": 320, "hop": 80}}
    """

  @Test(arguments: [
    #"{"kind": "step", "factor": 0.5, "epochs": 1}"#, #"{"kind": "exponential", "factor": 0.9}"#,
    #"{"kind": "cosine"}"#, #"{"kind": "constant"}"#,
    #"{"kind": "plateau", "factor": 0.5, "patience": 0, "threshold": 0.3}"#,
  ])
  func ranksAndResumesChangeNothing(schedule: String) throws {
    try TrainingBench.use(train: 14, valid: 2) { bench in
      let file = bench.folder.appending(path: "mine.json")
      try """
      {"name": "mine", "optimizer": {"kind": "adamw", "betas": [0.8, 0.99], "weight_decay": 0.05},
       "learning_rate": 2e-3, "global_batch": 4, "scaling": "sqrt", "clip": "none",
       "short": "pad", "level": "utterance", "losses": \(Self.losses)}
      """.write(to: file, atomically: true, encoding: .utf8)
      let recipe = ["--recipe", file.path, "--epochs", "4", "--set", "schedule=\(schedule)"]
      let whole = try bench.train(run: "whole", recipe)
      #expect(whole.status == 0, "\(whole)")
      let expected = try tensors(bench, "whole")
      let isFinite = expected.values.joined().allSatisfy(\.isFinite)
      #expect(isFinite)

      let shared = try bench.train(ranks: 2, run: "shared", recipe)
      #expect(shared.status == 0 && shared.output.contains("batch 2 per rank"), "\(shared)")
      let first = try bench.train(run: "both", recipe + ["--stop-after", "6"])
      #expect(first.status == 0, "\(first)")
      // The run's own copy is followed, with or without the recipe's name.
      let second = try bench.train(ranks: 2, run: "both", Array(recipe.dropFirst(2)) + ["--resume"])
      #expect(second.status == 0 && second.output.contains("after step 6"), "\(second)")
      for run in ["shared", "both"] {
        let isSame = try tensors(bench, run) == expected
        #expect(isSame, "\(run) differs from one rank's run")
        #expect(try bench.history(run) == bench.history("whole"))
      }

      // The weights remember the level that they take.
      let best = try SafetensorsFile(data: bench.data("whole", "best.safetensors"), path: "best")
      #expect(best.metadata["level"] == "utterance")
      let refused = try bench.train(
        run: "both", recipe + ["--epochs", "5", "--set", "losses.time=0.5", "--resume"])
      #expect(
        refused.errors.contains("losses.time of the recipe (0.5 here, 0.2 in the checkpoint)"),
        "\(refused)")
    }
  }

  @Test func dryRunShowsOrigins() throws {
    try TrainingBench.use(train: 8) { bench in
      let outcome = try bench.train(
        ranks: 2, run: "new",
        ["--recipe", "short", "--set", "optimizer.eps=1e-6", "--batch", "12", "--dry-run"])
      #expect(outcome.status == 0, "\(outcome)")
      func line(_ key: String) -> [String] {
        outcome.output.split(separator: "\n").first { $0.hasPrefix("  \(key) ") }?
          .split(separator: " ", omittingEmptySubsequences: true).map(String.init) ?? []
      }
      #expect(line("optimizer.eps") == ["optimizer.eps", "1e-06", "--set", "optimizer.eps=1e-6"])
      #expect(line("average") == ["average", "0.9", "--ema"])
      #expect(line("scaling") == ["scaling", "\"sqrt\"", "recipe", "short"])
      #expect(line("clip") == ["clip", "5", "default"])
      #expect(
        outcome.output.contains(
          "a step has 24 utterances, 4 × the recipe's 6; scaling sqrt takes the rate from 0.001 to "
            + "0.002"), "\(outcome)")
    }
  }

  @Test func impossibleRecipesAreRefusedBeforeThereIsARun() throws {
    try TrainingBench.use(train: 8) { bench in
      for (flags, part) in [
        (
          ["--recipe", "published-gan", "--seconds", "0.1"],
          "needs spectra of at least 16 bins and frames"
        ),
        (
          ["--recipe", "published-gan", "--seconds", "0.24"],
          "need crops of at least 4000 samples, and those of the run have 3840; give longer"
        ),
        (["--set", "epochs=3", "--set", "epochs=2"], "both decide \"epochs\" of the recipe"),
        (["--schedule", "plateau", "--validate-async"], "leave --validate-async out"),
        (["--recipe", "nothing"], "there is no recipe \"nothing\""),
        (["--set", "epoch=3"], "did you mean \"epochs\"?"),
        (
          [
            "--seconds", "0.25", "--set",
            "losses={\"time\": 1, \"transform\": {\"n_fft\": 8192, \"hop\": 80}}",
          ],
          "is too short for the loss"
        ),
      ] {
        for dryRun in [[], ["--dry-run"]] {
          let outcome = try bench.train(ranks: 2, run: "none", flags + dryRun)
          #expect(outcome.status != 0 && outcome.errors.contains(part), "\(flags): \(outcome)")
          let isThere = FileManager.default.fileExists(
            atPath: bench.folder.appending(path: "none").path)
          #expect(!isThere)
        }
      }
    }
  }
}
