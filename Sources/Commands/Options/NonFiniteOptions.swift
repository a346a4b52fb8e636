import ArgumentParser
import DistTrain

/// What a run does about steps that are not finite.
struct NonFiniteOptions: ParsableArguments {
  @Option(
    help:
      "After this many skipped steps in a row, go back to the last good state with a lower rate.")
  var skipLimit = 20

  @Option(help: "What the learning rate is multiplied by at each rollback.")
  var rollbackFactor = 0.5

  @Option(help: "Rollbacks of a run before it stops; 0: stop at the skip limit.")
  var rollbacks = 3

  @Option(help: "Dumps of skipped steps that the run folder gets at most, for disttrain replay.")
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
