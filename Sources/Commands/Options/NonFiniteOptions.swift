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
    func require(_ condition: Bool, _ text: String) throws {
      if !condition { throw ValidationError(text) }
    }
    try require(skipLimit > 0, "--skip-limit must be at least 1, not \(skipLimit)")
    try require(
      rollbackFactor > 0 && rollbackFactor <= 1,
      "--rollback-factor must be above 0 and at most 1, not \(rollbackFactor)")
    try require(rollbacks >= 0, "--rollbacks must be at least 0, not \(rollbacks)")
    try require(
      nonfiniteDumps >= 0, "--nonfinite-dumps must be at least 0, not \(nonfiniteDumps)")
  }

  var policy: NonFinitePolicy {
    NonFinitePolicy(
      skipLimit: skipLimit, rollbackFactor: rollbackFactor, rollbackLimit: rollbacks,
      dumpLimit: nonfiniteDumps)
  }
}
