import Checkpoints
import Communication
import Corpora
import DistTrain
import Foundation
import Models
import Recipes
import TestSupport
import Testing

/// Steps with a gradient that is not finite are skipped by all ranks together.
@Suite(.serialized) struct NonFiniteStepTests {
  private struct Outcome: Sendable {
    var skipped: [Bool] = []
    var values: [[Float]] = []
    var adamSteps = 0
    var skippedCount = 0
  }

  /// Three steps on two in-process ranks; before the second, rank 1 gets a NaN in one weight of
  /// its own, and afterwards its old value back.
  private func run(poisons: Bool) throws -> [Outcome] {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 8])
      let pairs = try PairedDataset(
        folder: corpus.folder.path(percentEncoded: false), split: .train
      ).pairs
      let model = try ModelConfiguration(
        parsing: Array(tinyModel.utf8), file: "tiny")
      return try LocalCommunicator.run(size: 2) { communicator in
        let configuration = TrainingConfiguration(model: model) {
          $0.seed = 3
          $0.epochs = 3
          $0.batch = 2
          $0.ranks = 2
          $0.cropSeconds = 0.5
        }
        let state = TrainingState(configuration)
        let trainer = try Trainer(
          configuration, state: state, pairs: pairs, over: communicator)
        let sampler = trainer.sampler(epoch: 1)
        let parameters = state.model.parameters
        var outcome = Outcome()
        for step in 0..<3 {
          let poisoned = poisons && step == 1 && communicator.rank == 1
          let victim = parameters.parameters[5].value
          let healthy = victim[0]
          if poisoned { victim[0] = .nan }
          let result = try trainer.step(sampler[step % 2].items, epoch: 1)
          if poisoned { victim[0] = healthy }
          outcome.skipped.append(result.isSkipped)
          outcome.values.append(Array(parameters.values.buffer))
        }
        outcome.adamSteps = state.adam.stepCount
        outcome.skippedCount = state.progress.skippedSteps
        #expect(state.progress.lossSum.isFinite)
        return outcome
      }
    }
  }

  @Test func allRanksSkipTogether() throws {
    let outcomes = try run(poisons: true)
    for outcome in outcomes {
      #expect(outcome.skipped == [false, true, false])
      #expect(outcome.values[1] == outcome.values[0], "a skipped step changed the weights")
      #expect(outcome.values[2] != outcome.values[1], "training did not go on")
      let isFinite = outcome.values[2].allSatisfy { $0.isFinite }
      #expect(isFinite)
      #expect(outcome.adamSteps == 2 && outcome.skippedCount == 1)
    }
    #expect(outcomes[0].values == outcomes[1].values, "the replicas differ")
  }

  @Test func healthyStepsAreNotSkipped() throws {
    for outcome in try run(poisons: false) {
      #expect(outcome.skipped == [false, false, false])
      #expect(outcome.adamSteps == 3)
    }
  }
}
