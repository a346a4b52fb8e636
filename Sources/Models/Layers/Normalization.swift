import Tensor

/// Layer normalisation of every frame over its N features: `(x − mean) / √(variance + eps) · weight
/// + bias`.
///
/// The variance is biased, eps is 1e-5. Source: Ba et al. 2016.
public struct LayerNorm {
  /// Scale, [N]; ones.
  public let weight: Parameter
  /// Shift, [N]; zeros.
  public let bias: Parameter

  /// Registers `weight` and `bias` in `scope`.
  public init(features: Int, scope: ParameterScope) {
    weight = scope.parameter("weight", [features], .ones)
    bias = scope.parameter("bias", [features], .zeros)
  }
}

/// Group normalisation over all features and frames of an utterance (one group), with a scale and
/// shift for each feature.
///
/// The variance is biased, eps is 1e-5. Source: Wu and He 2018.
public struct GroupNorm {
  /// Scale, one number per feature; ones.
  public let weight: Parameter
  /// Shift, one number per feature; zeros.
  public let bias: Parameter

  /// Registers `weight` and `bias` in `scope`.
  public init(features: Int, scope: ParameterScope) {
    weight = scope.parameter("weight", [features], .ones)
    bias = scope.parameter("bias", [features], .zeros)
  }
}

extension LayerNorm {
  /// The parameters in the form that operations take.
  var parameters: AffineParameters { AffineParameters(weight: weight, bias: bias) }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "LayerNorm((\(weight.count),), eps=1e-05, elementwise_affine=True)",
      parameters: [weight, bias])
  }
}

extension GroupNorm {
  /// The parameters in the form that operations take.
  var parameters: AffineParameters { AffineParameters(weight: weight, bias: bias) }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "GroupNorm(1, \(weight.count), eps=1e-05, affine=True)", parameters: [weight, bias])
  }
}
