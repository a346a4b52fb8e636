import Foundation
import KernelAPI

/// The Adam optimiser over a parameter arena, with PyTorch's defaults and bias correction.
///
/// Source: Kingma and Ba 2015.
public final class Adam {
  /// First moments of the gradients, in the arena's layout.
  public let firstMoment: Storage
  /// Second moments of the gradients, in the arena's layout.
  public let secondMoment: Storage
  /// Number of steps taken.
  public var stepCount: Int
  private let arena: ParameterArena
  private let beta1 = 0.9
  private let beta2 = 0.999
  private let epsilon: Float = 1e-8

  /// An optimiser for all parameters of `arena`, with moments of zero.
  public init(_ arena: ParameterArena) {
    self.arena = arena
    firstMoment = Storage(count: arena.count)
    secondMoment = Storage(count: arena.count)
    stepCount = 0
  }

  /// Takes one step, with every parameter's gradient multiplied by `gradientScale`.
  ///
  /// - Parameters:
  ///   - learningRate: the rate of this step.
  ///   - gradientScale: factor of the gradients.
  ///   - ranges: the elements of the arena that move, whole lanes; nil for all.
  public func step(
    learningRate: Float, gradientScale: Float = 1, over ranges: [Range<Int>]? = nil
  ) {
    stepCount += 1
    let step = AdamStep(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      correction1: Float(1 - pow(beta1, Double(stepCount))),
      correction2: Float(1 - pow(beta2, Double(stepCount))), gradientScale: gradientScale)
    for range in ranges ?? [0..<arena.count] {
      precondition(
        range.lowerBound % laneCount == 0 && range.count % laneCount == 0
          && range.upperBound <= arena.count, "Adam: range \(range) of \(arena.count)")
      let start = range.lowerBound
      kernels.adam(
        step, value: arena.values.base + start, gradient: arena.gradients.base + start,
        firstMoment: firstMoment.base + start, secondMoment: secondMoment.base + start,
        count: range.count)
    }
  }
}
