import KernelAPI

/// An exponential moving average of an arena's values.
///
/// While young it forgets faster, min(decay, (1 + n)/(10 + n)) after n updates, so that the random
/// start does not linger in a short run.
public final class MovingAverage {
  /// The averaged values, in the arena's layout.
  public let values: Storage
  /// Updates so far.
  public var updateCount: Int
  /// The decay that it grows to.
  public let decay: Float

  /// Starts at the arena's present values.
  public init(_ arena: ParameterArena, decay: Float) {
    self.decay = decay
    values = Storage(count: arena.count)
    values.base.update(from: arena.values.base, count: arena.count)
    updateCount = 0
  }

  /// Moves towards the arena's present values.
  public func update(_ arena: ParameterArena) {
    updateCount += 1
    let n = Float(updateCount)
    kernels.movingAverage(
      values.base, towards: FloatPointer(arena.values.base),
      decay: min(decay, (1 + n) / (10 + n)), count: arena.count)
  }

  /// Exchanges the averaged values with the arena's: once to validate, once more to go on.
  public func swap(with arena: ParameterArena) {
    for i in 0..<arena.count { Swift.swap(&values.base[i], &arena.values.base[i]) }
  }
}
