import ArgumentParser
import DistTrain
import Recipes

/// The weights that `train` starts from, and those that it does not move.
struct StartOptions: ParsableArguments {
  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      "Start from these weights: best.safetensors of a run, another of its weights or checkpoints, "
        + "or an export with the same names. All of them have to fit.", valueName: "file"))
  var initialWeights: String?

  @Flag(help: "Take those weights of --init that fit in name and shape, and list the others.")
  var initPartial = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Do not move the parameters whose names begin so, such as band_split layers.0.",
      valueName: "prefixes"))
  var freeze: [String] = []

  func validate() throws {
    try Flags.require("--init", path: initialWeights)
    try Flags.require(
      !initPartial || initialWeights != nil, "--init-partial needs a file: give --init, too")
    try Flags.require(
      !freeze.contains(""), "--freeze is empty; give the beginning of the name of a parameter")
  }

  /// The start that the options ask for; nil for random weights.
  var request: StartRequest? {
    initialWeights.map { StartRequest(path: $0, isPartial: initPartial) }
  }

  /// Sets the keys of the recipe that the options decide.
  func apply(to configuration: inout TrainingConfiguration) {
    if !freeze.isEmpty { configuration.frozen = Set(freeze).sorted() }
  }
}
