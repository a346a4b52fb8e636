import Tensor

/// An affine map of the last axis: `y = x Wᵀ + b`, [..., in] to [..., out].
public struct Linear {
  /// W, [out, in]; Xavier-uniform.
  public let weight: Parameter
  /// b, [out]; zeros.
  public let bias: Parameter

  /// Registers `weight` and `bias` in `scope`.
  public init(inputs: Int, outputs: Int, scope: ParameterScope) {
    weight = scope.parameter("weight", [outputs, inputs], .xavierUniform)
    bias = scope.parameter("bias", [outputs], .zeros)
  }
}

extension Linear {
  /// The parameters in the form that operations take.
  var parameters: AffineParameters { AffineParameters(weight: weight, bias: bias) }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline { ModuleOutline(linear: weight, bias: true) }
}
