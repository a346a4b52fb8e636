import KernelAPI

/// The global gradient norm and the factor that clipping multiplies gradients by.
public struct GradientNorm: Sendable {
  /// √Σ g² over all parameters; not finite if any gradient is not.
  public let value: Double

  /// Measures an arena's gradients.
  public init(_ arena: ParameterArena) {
    value =
      kernels.sumOfSquares(FloatPointer(arena.gradients.base), count: arena.count).squareRoot()
  }

  /// min(1, limit / (norm + 1e-6)), as `torch.nn.utils.clip_grad_norm_` has it.
  public func clipFactor(limit: Float) -> Float {
    Float(min(1, Double(limit) / (value + 1e-6)))
  }
}
