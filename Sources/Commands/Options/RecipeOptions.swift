import ArgumentParser
import DistTrain
import Models

/// Everything that decides what `train` computes, besides the model and the number of ranks.
struct RecipeOptions: ParsableArguments {
  @Option(help: "Passes over the training split.")
  var epochs = 100

  @Option(help: "Utterances per rank and step; the global batch is this times the ranks.")
  var batch = 6

  @Option(
    help: ArgumentHelp(
      "Batches of each rank and step, with one exchange of gradients: for large global batches and "
        + "slow networks. The global batch is ranks × --batch × this; memory depends on neither.",
      valueName: "batches"))
  var accumulate = 1

  @Option(help: "Seed of initial weights, order and crops.")
  var seed: UInt64 = 0

  @Option(name: .customLong("lr"), help: "Learning rate.")
  var learningRate = 1e-3

  @Option(help: "How the rate falls: step (×0.98 every 10 epochs), cosine (to 0) or constant.")
  var schedule = LearningRateSchedule.Decay.step

  @Option(help: "Steps over which the rate rises linearly at the start.")
  var warmup = 0

  @Option(help: "Decay of averaged weights, such as 0.999; validated and kept instead. 0: off.")
  var ema = 0.0

  @Option(help: "Limit of the global gradient norm.")
  var clip = 5.0

  @Option(help: "Length of a training crop in seconds.")
  var seconds = 2.0

  @Option(help: "End an epoch after this many steps of its order, and validate.")
  var stepsPerEpoch: Int?

  func validate() throws {
    func require(_ condition: Bool, _ text: String) throws {
      if !condition { throw ValidationError(text) }
    }
    try require(epochs > 0, "--epochs must be at least 1, not \(epochs)")
    try require(batch > 0, "--batch must be at least 1, not \(batch)")
    try require(accumulate > 0, "--accumulate must be at least 1, not \(accumulate)")
    try require(
      learningRate > 0 && learningRate.isFinite, "--lr must be positive, not \(learningRate)")
    try require(warmup >= 0, "--warmup must be at least 0, not \(warmup)")
    try require(ema >= 0 && ema < 1, "--ema must be at least 0 and below 1, not \(ema)")
    try require(clip > 0, "--clip must be positive, not \(clip)")
    try require(
      seconds >= 0.1 && seconds <= 600, "--seconds must be between 0.1 and 600, not \(seconds)")
    try require(
      (stepsPerEpoch ?? 1) > 0, "--steps-per-epoch must be at least 1, not \(stepsPerEpoch ?? 0)")
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
