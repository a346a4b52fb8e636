import ArgumentParser
import DistTrain

/// Treatment of steps whose loss or gradient is not finite.
struct NonFiniteOptions: ParsableArguments {
  @Option(
    help:
      "Skipped steps in a row after which the run goes back to its last good state.")
  var skipLimit = 20

  @Option(help: "Factor of the learning rate at each rollback.")
  var rollbackFactor = 0.5

  @Option(help: "Rollbacks before the run stops; 0: stop at the skip limit.")
  var rollbacks = 3

  @Option(help: "Largest number of dumps of skipped steps in the run folder, for disttrain replay.")
  var nonfiniteDumps = 10

  func validate() throws {
    try Flags.require("--skip-limit", skipLimit, atLeast: 1)
    try Flags.require(
      rollbackFactor > 0 && rollbackFactor <= 1,
      "--rollback-factor must be above 0 and at most 1, not \(rollbackFactor)")
    try Flags.require("--rollbacks", rollbacks, atLeast: 0)
    try Flags.require("--nonfinite-dumps", nonfiniteDumps, atLeast: 0)
  }

  var policy: NonFinitePolicy {
    NonFinitePolicy(
      skipLimit: skipLimit, rollbackFactor: rollbackFactor, rollbackLimit: rollbacks,
      dumpLimit: nonfiniteDumps)
  }
}
