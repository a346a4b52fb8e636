import KernelAPI

/// An exponential moving average of an arena's values.
///
/// The decay is min(decay, (1 + n)/(10 + n)) after n updates, so that the average forgets the
/// random initial values soon, also in a short run.
public final class MovingAverage {
  /// The averaged values, in the arena's layout.
  public let values: Storage
  /// Number of updates so far.
  public var updateCount: Int
  /// The decay after many updates.
  public let decay: Float

  /// An average that starts at the arena's current values.
  public init(_ arena: ParameterArena, decay: Float) {
    self.decay = decay
    values = Storage(count: arena.count)
    values.base.update(from: arena.values.base, count: arena.count)
    updateCount = 0
  }

  /// Moves the average towards the arena's current values.
  public func update(_ arena: ParameterArena) {
    updateCount += 1
    let n = Float(updateCount)
    kernels.movingAverage(
      values.base, towards: arena.values.base,
      decay: min(decay, (1 + n) / (10 + n)), count: arena.count)
  }

  /// Exchanges the averaged values with the arena's: before a validation, and after it to continue
  /// training.
  public func swap(with arena: ParameterArena) {
    for i in 0..<arena.count { Swift.swap(&values.base[i], &arena.values.base[i]) }
  }
}
