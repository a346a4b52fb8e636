import ArgumentParser
import DistTrain
import Models
import Recipes

/// The options of `train` that decide what the weights become.
struct RecipeOptions: ParsableArguments {
  @Option(help: "Epochs of training; each visits every training utterance once.")
  var epochs = 100

  @Option(help: "Utterances in a batch of a rank; the global batch is ranks × this × --accumulate.")
  var batch = 6

  @Option(
    help: ArgumentHelp(
      "Batches of each rank and step, with one exchange of gradients: for large global batches and "
        + "slow networks. The global batch is ranks × --batch × this; memory depends on neither.",
      valueName: "batches"))
  var accumulate = 1

  @Option(name: .customLong("lr"), help: "Learning rate.")
  var learningRate = 1e-3

  @Option(help: "Learning rate over epochs: step (×0.98 every 10), cosine (to 0) or constant.")
  var schedule = LearningRateSchedule.Decay.step

  @Option(help: "Steps over which the learning rate rises linearly at the start.")
  var warmup = 0

  @Option(
    help: "Decay of averaged weights, such as 0.999, which are validated and kept instead. 0: off.")
  var ema = 0.0

  @Option(help: "Limit of the global gradient norm.")
  var clip = 5.0

  @Option(help: "Length of a training crop in seconds.", transform: Flags.seconds)
  var seconds = 2.0

  @Option(help: "End an epoch after this many steps of its order, and validate.")
  var stepsPerEpoch: Int?

  @Option(help: "Seed of initial weights, order and crops.")
  var seed: UInt64 = 0

  /// Rejects values that make no sense, before anything starts.
  func validate() throws {
    try Flags.require("--epochs", epochs, atLeast: 1)
    try Flags.require("--batch", batch, atLeast: 1, atMost: Flags.largestBatch)
    try Flags.require("--accumulate", accumulate, atLeast: 1, atMost: Flags.largestBatch)
    try Flags.requirePositive("--lr", learningRate)
    try Flags.require("--warmup", warmup, atLeast: 0)
    try Flags.requireDecay("--ema", ema)
    try Flags.requirePositive("--clip", clip)
    try Flags.require("--seconds", seconds, within: Flags.cropSeconds)
    try Flags.require("--steps-per-epoch", stepsPerEpoch, atLeast: 1)
  }

  /// The recipe for `model` on this number of ranks.
  func configuration(_ model: ModelConfiguration, ranks: Int) -> TrainingConfiguration {
    TrainingConfiguration(model: model) {
      $0.seed = seed
      $0.epochs = epochs
      $0.batch = batch
      $0.accumulate = accumulate
      $0.ranks = ranks
      $0.cropSeconds = seconds
      $0.learningRate = learningRate
      $0.schedule = schedule
      $0.warmupSteps = warmup
      $0.clip = clip
      $0.averageDecay = ema > 0 ? ema : nil
      $0.stepsPerEpoch = stepsPerEpoch
    }
  }
}

extension LearningRateSchedule.Decay: ExpressibleByArgument {}
