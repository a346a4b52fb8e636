import Adversarial
import Checkpoints
import DistTrain
import Files
import Foundation
import Models
import Recipes
import Tensor
import TestSupport
import Testing

/// Checkpoints of a run with a discriminator, and steps that are skipped.
@Suite(.serialized) struct AdversarialStateTests {
  private static let first = published { $0.order = .discriminatorFirst }

  /// From a checkpoint one step before the generator begins to use the discriminator, at that step
  /// and after it: byte for byte the run that never stopped.
  @Test(arguments: [published(), first])
  func aResumedRunHasTheSameBits(recipe: DiscriminatorRecipe) throws {
    try AdversarialBench.with(silent: [3]) { bench in
      let configuration = bench.configuration(ranks: 2, recipe)
      let whole = try bench.run(configuration, steps: 7)[0]
      for step in [1, 3, 4, 5] {
        let rest = try bench.run(
          configuration, steps: 7 - step, from: whole.checkpoints[step - 1])
        for outcome in rest {
          #expect(outcome.checkpoints == Array(whole.checkpoints[step...]))
          #expect(outcome.duels.map(\.figures) == whole.duels[step...].map(\.figures))
        }
      }
      // On another number of ranks, too, as far as tensors go: the recipe says how many there were.
      let one = try bench.run(
        bench.configuration(ranks: 1, recipe), steps: 3, from: whole.checkpoints[3])[0]
      #expect(one.tensors == Array(whole.tensors[4...]))
    }
  }

  /// A NaN in a weight of the discriminator on one rank, before and after it is used.
  @Test(arguments: [published(), first], [2, 6])
  func bothNetworksSkipAStepTogether(recipe: DiscriminatorRecipe, bad: Int) throws {
    try AdversarialBench.with { bench in
      nonisolated(unsafe) var healthy: Float = 0
      let outcomes = try bench.run(bench.configuration(ranks: 2, recipe), steps: 7) {
        step, rank, state, isBefore in
        guard step == bad, rank == 1, let victim = state.adversarial?.discriminator.parameters
        else { return }
        let value = victim.parameters[0].value
        if isBefore {
          healthy = value[3]
          value[3] = .nan
        } else {
          value[3] = healthy
        }
      }
      for outcome in outcomes {
        #expect(outcome.skipped == (1...7).map { $0 == bad })
        #expect(!outcome.duels[bad - 1].hasMoved)
        #expect(outcome.adamSteps == outcome.duels.count { $0.hasMoved })
        let isUnchanged = outcome.tensors[bad - 1] == outcome.tensors[bad - 2]
        #expect(isUnchanged, "a skipped step changed something")
        let isFinite = outcome.tensors[6].allSatisfy { $0.allSatisfy(\.isFinite) }
        #expect(isFinite)
      }
      #expect(outcomes[0].tensors.last == outcomes[1].tensors.last)
    }
  }

  /// A NaN in the generator leaves the discriminator as it was, its spectral norms included.
  @Test(arguments: [published(), first])
  func aGeneratorThatIsNotFiniteHoldsTheDiscriminatorBack(recipe: DiscriminatorRecipe) throws {
    try AdversarialBench.with { bench in
      nonisolated(unsafe) var healthy: Float = 0
      let outcomes = try bench.run(bench.configuration(ranks: 2, recipe), steps: 6) {
        step, rank, state, isBefore in
        guard step == 5, rank == 0 else { return }
        let value = state.model.parameters.parameters[5].value
        if isBefore {
          healthy = value[0]
          value[0] = .nan
        } else {
          value[0] = healthy
        }
      }
      for outcome in outcomes {
        #expect(outcome.skipped == [false, false, false, false, true, false])
        #expect(outcome.tensors[4] == outcome.tensors[3])
        #expect(outcome.tensors[5] != outcome.tensors[4])
      }
    }
  }

  private func checkpoint(
    _ bench: AdversarialBench,
    _ change: (inout [SafetensorsFile.Entry], inout [String: String])
      -> Void
  ) throws -> Data {
    let configuration = bench.configuration(ranks: 1)
    let data = try Checkpoint.serialized(TrainingState(configuration), configuration)
    let file = try SafetensorsFile(data: data, path: "last")
    var entries = file.entries
    var metadata = file.metadata.filter { !$0.key.hasPrefix("checksum.") }
    change(&entries, &metadata)
    return SafetensorsFile(entries: entries, metadata: metadata).serialized()
  }

  @Test func missingStateIsNamed() throws {
    try AdversarialBench.with { bench in
      let configuration = bench.configuration(ranks: 1)
      func restore(_ data: Data) throws {
        try Checkpoint(data, path: "last").restore(TrainingState(configuration), configuration)
      }
      for name in [
        "discriminator.layers.0.weight_orig", "discriminator.layers.14.weight_u",
        "discriminator.layers.18.slope", "discriminator.adam.exp_avg.layers.3.weight_orig",
        "discriminator.adam.exp_avg_sq.layers.17.bias",
      ] {
        let data = try checkpoint(bench) { entries, _ in entries.removeAll { $0.name == name } }
        #expect(throws: CheckpointError.incomplete(path: "last", missing: name)) {
          try restore(data)
        }
      }
      let uncounted = try checkpoint(bench) { _, metadata in
        metadata["discriminator.adam.step"] = nil
      }
      #expect(
        throws: CheckpointError.incomplete(path: "last", missing: "discriminator.adam.step")
      ) { try restore(uncounted) }
      try restore(try checkpoint(bench) { _, _ in })
    }
  }

  /// With a discriminator where there was none, and the other way round.
  @Test func anotherRecipeIsRefused() throws {
    try AdversarialBench.with { bench in
      let with = bench.configuration(ranks: 1)
      var without = with
      without.recipe.discriminator = nil
      for (written, wanted) in [(with, without), (without, with)] {
        let data = try Checkpoint.serialized(TrainingState(written), written)
        #expect {
          try Checkpoint(data, path: "last").restore(TrainingState(wanted), wanted)
        } throws: { error in
          let text = "\(error)"
          return text.contains("cannot be resumed with other settings")
            && text.contains("discriminator")
        }
      }
    }
  }

  /// Weights are the generator's alone, as far as `enhance` goes.
  @Test func weightsOfACheckpointAreThoseOfTheGenerator() throws {
    try AdversarialBench.with { bench in
      let configuration = bench.configuration(ranks: 1)
      let state = TrainingState(configuration)
      let data = try Checkpoint.serialized(state, configuration)
      let file = try WeightFile(SafetensorsFile(data: data, path: "last"), path: "last")
      let model = try file.model(configuration.model)
      #expect(
        Array(model.parameters.values.buffer) == Array(state.model.parameters.values.buffer))
    }
  }
}
