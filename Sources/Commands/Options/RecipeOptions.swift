import ArgumentParser
import Files
import Models
import Recipes
import RunFiles

/// The options of `train` that decide what the weights become.
struct RecipeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Recipe: \(RecipeFile.names.joined(separator: ", ")), or a JSON file. Default: published.",
      valueName: "name or file"))
  var recipe: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "A value for a key of the recipe, such as optimizer.eps=1e-6; may be given repeatedly.",
      valueName: "key=value"))
  var settings: [String] = []

  @Option(
    help: "Epochs of training; each visits every training utterance once. Default: 100.")
  var epochs: Int?

  @Option(
    help: """
      Utterances in a batch of a rank; the global batch is ranks × this × --accumulate. Default: 6.
      """)
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "Batches of each rank and step, with one exchange of gradients: for large global batches and "
        + "slow networks. The global batch is ranks × --batch × this; memory depends on neither.",
      valueName: "batches"))
  var accumulate = 1

  @Option(
    name: .customLong("lr"),
    help: "Learning rate, whatever the global batch. Default: 0.001.")
  var learningRate: Double?

  @Option(
    help: """
      Learning rate over epochs: step (×0.98 every 10), exponential (×0.99 every one), cosine (to \
      0), constant, or plateau (×0.5 after 10 without a better validation). Default: step.
      """)
  var schedule: LearningRateSchedule.Decay?

  @Option(help: "Steps over which the learning rate rises linearly at the start. Default: 0.")
  var warmup: Int?

  @Option(
    help: """
      Decay of averaged weights, such as 0.999, which are validated and kept instead. 0: off. \
      Default: 0.
      """)
  var ema: Double?

  @Option(help: "Limit of the global gradient norm. Default: 5.")
  var clip: Double?

  @Option(
    help: ArgumentHelp("Length of a training crop in seconds. Default: 2."),
    transform: Flags.seconds)
  var seconds: Double?

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
    if let ema { try Flags.requireDecay("--ema", ema) }
    try Flags.requirePositive("--clip", clip)
    try Flags.require("--seconds", seconds, within: Flags.cropSeconds)
    try Flags.require("--steps-per-epoch", stepsPerEpoch, atLeast: 1)
    _ = try recipeSettings()
  }

  /// Values of the flags for the recipe's keys, in the order in which they are applied.
  func recipeSettings() throws -> [RecipeSetting] {
    var found = RecipeSettings()
    found.add("epochs", epochs.map { .integer($0) }, "--epochs")
    found.add("batch", batch.map { .integer($0) }, "--batch")
    // A rate given by hand is meant for the batch at hand.
    found.add("scaling", learningRate.map { _ in .string("none") }, "--lr")
    found.add("learning_rate", learningRate.map { .number($0) }, "--lr")
    found.add("schedule", schedule.map { .object(["kind": .string($0.rawValue)]) }, "--schedule")
    found.add("warmup", warmup.map { .object(["steps": .integer($0)]) }, "--warmup")
    found.add("average", ema.map { $0 > 0 ? .number($0) : .string("none") }, "--ema")
    found.add("clip", clip.map { .number($0) }, "--clip")
    found.add("crop", seconds.map { .object(["seconds": .number($0)]) }, "--seconds")
    for text in settings {
      guard let setting = RecipeSetting(parsing: text) else {
        throw ValidationError(
          "--set takes KEY=VALUE, such as optimizer.eps=1e-6, not \(text); docs/recipes.md lists "
            + "the keys")
      }
      found.all.append(setting)
    }
    return found.all
  }

  /// The recipe for `model` on this number of ranks, resolved from its layers. A run that is
  /// continued, in `resumed`, follows the copy of its recipe there.
  func resolve(
    _ model: ModelConfiguration, ranks: Int, resumed: RunFolder?
  ) throws -> ResolvedTraining {
    try ResolvedTraining(
      model: model, recipe: recipe, settings: try recipeSettings(),
      copy: resumed?.file(.recipe)
    ) {
      $0.seed = seed
      $0.accumulate = accumulate
      $0.ranks = ranks
      $0.stepsPerEpoch = stepsPerEpoch
    }
  }
}

/// Values of flags for keys of a recipe, in the order in which they are applied.
struct RecipeSettings {
  var all: [RecipeSetting] = []

  /// Adds `value` for `key`, unless `flag` was not given.
  mutating func add(_ key: String, _ value: JSONValue?, _ flag: String) {
    if let value { all.append(RecipeSetting([key], value, flag: flag)) }
  }
}

extension LearningRateSchedule.Decay: ExpressibleByArgument {}
