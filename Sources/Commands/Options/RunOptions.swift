import ArgumentParser

/// The run folder of `train`, and which part of the run one start does.
struct RunOptions: ParsableArguments {
  @Option(help: "Folder of the run. Default: checkpoints_<preset>.")
  var runDir: String?

  @Flag(help: "Continue the run in the run folder.")
  var resume = false

  @Option(
    help:
      "Stop after this many steps of the run and save, to continue with --resume; 0 with --init.")
  var stopAfter: Int?

  @Flag(help: "Check options, corpus and run folder, print the plan of the run, and train nothing.")
  var dryRun = false

  @Flag(
    name: .customLong("tensorboard"),
    help: "Also write the run's numbers for TensorBoard, to the folder tensorboard of the run.")
  var tensorBoard = false

  func validate() throws {
    try Flags.require("--run-dir", path: runDir)
  }
}
