import Files
import Foundation
import TestSupport
import Testing

/// Runs with a discriminator under mpirun: equal for any ranks, exact when they are continued.
@Suite(.serialized) struct AdversarialRunsTests {
  private func tensors(_ bench: TrainingBench, _ run: String) throws -> [String: [Float]] {
    let file = try SafetensorsFile(data: bench.data(run, "last.safetensors"), path: run)
    return try file.tensors.mapValues { try $0.floats() }
  }

  private func recipe(_ bench: TrainingBench, _ discriminator: String) throws -> [String] {
    let file = bench.folder.appending(path: "duel.json")
    try """
    {"name": "duel", "global_batch": 4,
     "discriminator": \(discriminator)}
    """.write(to: file, atomically: true, encoding: .utf8)
    return ["--recipe", file.path, "--epochs", "4", "--seconds", "1.5"]
  }

  @Test(arguments: [
    #"{"weight": 1, "from": {"fraction": 0.5}}"#,
    #"{"weight": 0.05, "order": "discriminator-first", "missing": "clean", "clip": "none", "#
      + #""terms": ["clean", "estimate"], "beta": 1, "label": {"offset": -1, "scale": 3.5}}"#,
  ])
  func ranksAndResumesChangeNothing(discriminator: String) throws {
    try TrainingBench.use(train: 8, valid: 2) { bench in
      let recipe = try recipe(bench, discriminator)
      let whole = try bench.train(run: "whole", recipe)
      #expect(whole.status == 0, "\(whole)")
      #expect(whole.output.contains("discriminator: 181650 parameters"), "\(whole)")
      let expected = try tensors(bench, "whole")
      #expect(expected["discriminator.layers.18.slope"]?.count == 1)
      #expect(expected["discriminator.layers.0.weight_u"]?.count == 16)
      #expect(expected["discriminator.adam.exp_avg.layers.17.bias"]?.first != 0)
      let isFinite = expected.values.joined().allSatisfy(\.isFinite)
      #expect(isFinite)

      let shared = try bench.train(ranks: 2, run: "shared", recipe)
      #expect(shared.status == 0, "\(shared)")
      // Within the last epoch before the generator uses it, and on another number of ranks.
      let first = try bench.train(run: "both", recipe + ["--stop-after", "3"])
      #expect(first.status == 0, "\(first)")
      let second = try bench.train(ranks: 2, run: "both", recipe + ["--resume"])
      #expect(second.status == 0 && second.output.contains("after step 3"), "\(second)")
      for run in ["shared", "both"] {
        let isSame = try tensors(bench, run) == expected
        #expect(isSame, "\(run) differs from one rank's run")
        #expect(try bench.history(run) == bench.history("whole"))
        #expect(
          try bench.data(run, "predictions.csv") == bench.data("whole", "predictions.csv"))
      }

      // Without it the run is another one, and weights are the generator's alone.
      let refused = try bench.train(
        run: "both", recipe + ["--epochs", "5", "--set", "discriminator=none", "--resume"])
      #expect(refused.status != 0 && refused.errors.contains("discriminator"), "\(refused)")
      let best = try SafetensorsFile(data: bench.data("whole", "best.safetensors"), path: "best")
      #expect(!best.tensors.keys.contains { $0.hasPrefix("discriminator") })
    }
  }

  @Test func aStartAfterTheLastEpochIsSaid() throws {
    try TrainingBench.use(train: 16, valid: 2) { bench in
      let recipe = try recipe(bench, #"{"weight": 1, "from": {"epoch": 9}}"#)
      for dryRun in [["--dry-run"], []] {
        let outcome = try bench.train(run: "never", recipe + ["--epochs", "1"] + dryRun)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(
          (outcome.output + outcome.errors).contains("the generator never uses the discriminator"),
          "\(outcome)")
      }
      // Nor does it if patience ends the run before: no epoch is better at so low a rate.
      let ended = try bench.train(
        run: "ended",
        try self.recipe(bench, #"{"weight": 1, "from": {"epoch": 4}}"#)
          + ["--patience", "1", "--lr", "1e-30"])
      #expect(ended.status == 0 && ended.output.contains("(--patience 1)"), "\(ended)")
      #expect(
        (ended.output + ended.errors).contains(
          "the generator has never used the discriminator: it would have from epoch 4 on"),
        "\(ended)")
    }
  }
}
