import Foundation
import KernelAPI

/// Decays and constants of Adam, with PyTorch's defaults.
public struct AdamSettings: Equatable, Sendable {
  /// Decay β₁ of the first moment.
  public var beta1 = 0.9
  /// Decay β₂ of the second moment.
  public var beta2 = 0.999
  /// Number ε that is added to the root of the second moment.
  public var epsilon = 1e-8
  /// Decoupled weight decay λ: each step first multiplies every parameter by 1 − learning rate · λ.
  /// With it, Adam is AdamW. 0 for none.
  public var weightDecay = 0.0

  /// Settings with PyTorch's defaults of `Adam`, changed by `change`.
  public init(_ change: (inout Self) -> Void = { _ in }) { change(&self) }
}

/// The Adam optimiser over a parameter arena, with PyTorch's bias correction, and with decoupled
/// weight decay AdamW.
///
/// Sources: Kingma and Ba 2015; Loshchilov and Hutter 2019.
public final class Adam {
  /// First moments of the gradients, in the arena's layout.
  public let firstMoment: Storage
  /// Second moments of the gradients, in the arena's layout.
  public let secondMoment: Storage
  /// Number of steps taken.
  public var stepCount: Int
  /// Decays and constants.
  public let settings: AdamSettings
  private let arena: ParameterArena

  /// An optimiser for all parameters of `arena`, with moments of zero.
  public init(_ arena: ParameterArena, _ settings: AdamSettings = AdamSettings()) {
    self.arena = arena
    self.settings = settings
    firstMoment = Storage(count: arena.count)
    secondMoment = Storage(count: arena.count)
    stepCount = 0
  }

  /// Takes one step, with every parameter's gradient multiplied by `gradientScale`.
  public func step(learningRate: Float, gradientScale: Float = 1) {
    stepCount += 1
    let (beta1, beta2) = (settings.beta1, settings.beta2)
    kernels.adam(
      AdamStep(
        learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: Float(settings.epsilon),
        correction1: Float(1 - pow(beta1, Double(stepCount))),
        correction2: Float(1 - pow(beta2, Double(stepCount))), gradientScale: gradientScale,
        decayFactor: Float(1 - Double(learningRate) * settings.weightDecay)),
      value: arena.values.base, gradient: arena.gradients.base,
      firstMoment: firstMoment.base, secondMoment: secondMoment.base, count: arena.count)
  }
}
