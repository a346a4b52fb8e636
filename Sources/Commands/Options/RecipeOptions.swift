import ArgumentParser
import DistTrain

/// The options of `train` that decide what the weights become.
struct RecipeOptions: ParsableArguments {
  @Option(help: "Epochs of training; each visits every training utterance once.")
  var epochs = 100

  @Option(help: "Utterances per rank and step; the global batch is this times the ranks.")
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

  @Option(help: "Length of a training crop in seconds.")
  var seconds = 2.0

  @Option(help: "End an epoch after this many steps of its order, and validate.")
  var stepsPerEpoch: Int?

  @Option(help: "Seed of initial weights, order and crops.")
  var seed: UInt64 = 0

  /// Rejects values that make no sense, before anything starts.
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
}

extension LearningRateSchedule.Decay: ExpressibleByArgument {}
