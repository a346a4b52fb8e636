import Tensor

/// The MLP after the blocks of `unimamba`: x[B, K, T, N] to [B, K, T, N].
///
/// ```
/// out = LayerNorm₂(x + GELU(LayerNorm₁(Linear(x))))
/// ```
/// Linear is N → N, both norms are over N and the GELU is exact (erf). Despite its name the MLP
/// acts on each band and frame alone, as in the published code.
public struct CrossBandMLP {
  /// Prefix of its parameters' names, `cross_mlp`.
  public let name: String
  /// Linear map of N to N features; `fc`.
  public let linear: Linear
  /// Normalisation before the GELU; `norm1`.
  public let norm1: LayerNorm
  /// Normalisation of the sum; `norm2`.
  public let norm2: LayerNorm

  /// Registers `fc`, `norm1` and `norm2` in `scope`.
  public init(features: Int, scope: ParameterScope) {
    name = scope.name
    linear = Linear(inputs: features, outputs: features, scope: scope.child("fc"))
    norm1 = LayerNorm(features: features, scope: scope.child("norm1"))
    norm2 = LayerNorm(features: features, scope: scope.child("norm2"))
  }
}

extension CrossBandMLP {
  /// Maps x[B, K, T, N] to a tensor of that shape, recorded on `tape`.
  public func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = crossBandMLP(
      x,
      CrossBandMLPParameters(
        linear: linear.parameters, norm1: norm1.parameters, norm2: norm2.parameters), tape)
    tape.inspect(name, out)
    return out
  }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "CrossBandMLP",
      [
        .init("fc", linear.outline), .init("norm1", norm1.outline), .init("norm2", norm2.outline),
      ])
  }
}
