import KernelAPI

/// The sum of several items' gradients, in double precision.
///
/// Float gradients added as doubles lose nothing that a float could hold, so their sum does not
/// depend on the order: not on which rank holds which item, nor on how many ranks there are.
public final class GradientSum {
  /// The sums, in the arena's layout.
  public let buffer: UnsafeMutableBufferPointer<Double>
  /// Items added since the last reset.
  public private(set) var itemCount = 0

  /// Zeros for all of `arena`.
  public init(_ arena: ParameterArena) {
    buffer = .allocate(capacity: arena.count)
    buffer.initialize(repeating: 0)
  }

  deinit { buffer.deallocate() }

  /// Forgets everything.
  public func reset() {
    buffer.update(repeating: 0)
    itemCount = 0
  }

  /// Adds the gradients of one item.
  public func add(_ arena: ParameterArena) {
    guard let sums = buffer.baseAddress else { return }
    kernels.accumulate(FloatPointer(arena.gradients.base), to: sums, count: arena.count)
    itemCount += 1
  }
}
