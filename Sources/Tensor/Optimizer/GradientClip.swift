import KernelAPI

/// The global gradient norm and the factor that clipping multiplies gradients by.
public struct GradientNorm: Sendable {
  /// The norm √Σ g² over all parameters; not finite if any gradient is not.
  public let value: Double

  /// Computes the norm of an arena's gradients.
  public init(_ arena: ParameterArena) {
    value =
      kernels.sumOfSquares(arena.gradients.base, count: arena.count).squareRoot()
  }

  /// Factor min(1, limit / (norm + 1e-6)) that clips the gradients to a norm of `limit`, as
  /// `torch.nn.utils.clip_grad_norm_` computes it.
  public func clipFactor(limit: Float) -> Float {
    Float(min(1, Double(limit) / (value + 1e-6)))
  }
}
