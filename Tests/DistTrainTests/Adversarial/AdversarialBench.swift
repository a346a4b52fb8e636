import Adversarial
import Audio
import Checkpoints
import Communication
import Corpora
import DistTrain
import Foundation
import Models
import Recipes
import TestSupport

/// Steps of a tiny model with a discriminator, on in-process ranks.
struct AdversarialBench {
  /// The state of a rank after its steps.
  struct Outcome: Sendable {
    var losses: [Double] = []
    var skipped: [Bool] = []
    var duels: [Duel.Outcome] = []
    /// All tensors after each step: weights, moments, and those of the discriminator.
    var tensors: [[[Float]]] = []
    var adamSteps = 0
    /// Bytes of a checkpoint after each step.
    var checkpoints: [Data] = []
  }

  let pairs: UtteranceIndex
  let model: ModelConfiguration
  /// Utterances of a step.
  static let globalBatch = 4

  /// Runs `body` with a corpus of 8 utterances, so of two steps an epoch; the clean sides of those
  /// in `silent` are zeros, so that they have no labels.
  static func with(silent: [Int] = [], _ body: (AdversarialBench) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 8])
      for index in silent {
        let path = corpus.folder.file(String(format: "train/clean/u%03d.wav", index))
        let count = try WaveFile.read(path: path).samples.count
        try WaveFile.write(
          [Float](repeating: 0, count: count), sampleRate: 16_000, to: path)
      }
      let pairs = try PairedDataset(
        folder: corpus.folder.path(percentEncoded: false), split: .train
      ).pairs
      let model = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
      try body(AdversarialBench(pairs: pairs, model: model))
    }
  }

  func configuration(
    ranks: Int, epochs: Int = 4, _ recipe: DiscriminatorRecipe = published()
  ) -> TrainingConfiguration {
    TrainingConfiguration(model: model) {
      $0.seed = 3
      $0.epochs = epochs
      $0.batch = Self.globalBatch / ranks
      $0.ranks = ranks
      $0.cropSeconds = 1
      $0.recipe.discriminator = recipe
    }
  }

  /// `steps` steps of the run of `configuration` on each of its ranks, from the state in
  /// `checkpoint` or from the beginning. `spoil` may change a rank's state before a step, and gets
  /// it back after that.
  func run(
    _ configuration: TrainingConfiguration, steps: Int, threads: Int = 1,
    from checkpoint: Data? = nil,
    spoil:
      @escaping @Sendable (
        _ step: Int, _ rank: Int, _ state: TrainingState, _ isBefore: Bool
      ) -> Void = { _, _, _, _ in },
    hooks: @escaping @Sendable (_ rank: Int) -> StepHooks = { _ in StepHooks() }
  ) throws -> [Outcome] {
    let pairs = pairs
    return try LocalCommunicator.run(size: configuration.ranks) { communicator in
      let state = TrainingState(configuration)
      if let checkpoint {
        try Checkpoint(checkpoint, path: "last").restore(state, configuration)
      }
      let trainer = try Trainer(
        configuration, state: state, pairs: pairs, execution: .init(threads: threads),
        hooks: hooks(communicator.rank), over: communicator)
      var outcome = Outcome()
      for _ in 0..<steps {
        let step = state.progress.step
        let epoch = step / trainer.stepsPerEpoch + 1
        let items = trainer.sampler(epoch: epoch)[step % trainer.stepsPerEpoch].items
        spoil(step + 1, communicator.rank, state, true)
        let result = try trainer.step(items, epoch: epoch)
        spoil(step + 1, communicator.rank, state, false)
        outcome.losses.append(result.lossSum / Double(result.itemCount))
        outcome.skipped.append(result.isSkipped)
        if let duel = result.duel { outcome.duels.append(duel) }
        outcome.tensors.append(Self.tensors(state))
        outcome.checkpoints.append(try Checkpoint.serialized(state, configuration))
      }
      outcome.adamSteps = state.adversarial?.adam.stepCount ?? 0
      return outcome
    }
  }

  private static func tensors(_ state: TrainingState) -> [[Float]] {
    let own = [state.model.parameters.values, state.adam.firstMoment, state.adam.secondMoment]
    let others = state.adversarial?.tensors.map(\.values) ?? []
    return (own + others).map { Array($0.buffer) }
  }
}

/// The published discriminator, used from half of the epochs on, as `change` changes it.
func published(_ change: (inout DiscriminatorRecipe) -> Void = { _ in }) -> DiscriminatorRecipe {
  var recipe = DiscriminatorRecipe(weight: 1)
  recipe.from = .fraction(0.5)
  change(&recipe)
  return recipe
}

extension Duel.Outcome {
  /// All figures that do not depend on clocks.
  var figures: [Double?] {
    [
      Double(passCount), Double(itemCount), Double(labelledCount), generatorTerm, cleanLoss,
      estimateLoss, noisyLoss, gradientNorm, label, prediction, learningRate, isUsed ? 1 : 0,
      hasMoved ? 1 : 0,
    ]
  }
}
