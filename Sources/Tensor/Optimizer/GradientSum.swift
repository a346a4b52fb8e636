import KernelAPI

/// The sum of the gradients of several items, in double precision.
///
/// Float gradients added as doubles lose nothing that a float could hold, so their sum does not
/// depend on the order, and thus neither on which rank holds which item nor on the number of ranks.
public final class GradientSum {
  /// The sums, in the arena's layout.
  public let buffer: UnsafeMutableBufferPointer<Double>
  /// Sums of zero for all parameters of `arena`.
  public init(_ arena: ParameterArena) {
    buffer = .allocate(capacity: arena.count)
    buffer.initialize(repeating: 0)
  }

  deinit { buffer.deallocate() }

  /// Sets all sums to zero.
  public func reset() { buffer.update(repeating: 0) }

  /// Adds the gradients of one item, all of them or only the elements `range` of the arena.
  public func add(_ arena: ParameterArena, _ range: Range<Int>? = nil) {
    let range = range ?? 0..<arena.count
    precondition(
      range.lowerBound >= 0 && range.upperBound <= buffer.count,
      "GradientSum: range \(range) of \(buffer.count)")
    guard let sums = buffer.baseAddress else { return }
    kernels.accumulate(
      arena.gradients.base + range.lowerBound, to: sums + range.lowerBound,
      count: range.count)
  }
}
