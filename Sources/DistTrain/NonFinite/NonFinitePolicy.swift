/// Treatment of steps whose loss or gradient is not finite, besides skipping them.
public struct NonFinitePolicy: Equatable, Sendable {
  /// Steps skipped in a row after which the run goes back.
  public var skipLimit: Int
  /// Factor of the learning rate at each rollback.
  public var rollbackFactor: Double
  /// How often a run goes back before it stops.
  public var rollbackLimit: Int
  /// Dumps that a run folder gets at most.
  public var dumpLimit: Int

  /// Policy of `train`'s defaults. Traps unless `skipLimit` and `rollbackFactor` are positive and
  /// the other limits at least 0.
  public init(
    skipLimit: Int = 20, rollbackFactor: Double = 0.5, rollbackLimit: Int = 3, dumpLimit: Int = 10
  ) {
    precondition(
      skipLimit > 0 && rollbackFactor > 0 && rollbackLimit >= 0 && dumpLimit >= 0,
      "NonFinitePolicy: \(skipLimit), \(rollbackFactor), \(rollbackLimit), \(dumpLimit)")
    self.skipLimit = skipLimit
    self.rollbackFactor = rollbackFactor
    self.rollbackLimit = rollbackLimit
    self.dumpLimit = dumpLimit
  }
}
