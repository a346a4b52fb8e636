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
  public func step(learningRate: Float, gradientScale: Float = 1) {
    stepCount += 1
    kernels.adam(
      AdamStep(
        learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
        correction1: Float(1 - pow(beta1, Double(stepCount))),
        correction2: Float(1 - pow(beta2, Double(stepCount))), gradientScale: gradientScale),
      value: arena.values.base, gradient: arena.gradients.base,
      firstMoment: firstMoment.base, secondMoment: secondMoment.base, count: arena.count)
  }
}
