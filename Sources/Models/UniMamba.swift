import Tensor

/// A Mamba forward in time with a residual: x[B, K, T, N] to [B, K, T, N].
///
/// ```
/// out = x + Mamba(LayerNorm(x))
/// ```
/// One sequence of length T for each utterance and band.
public struct UniMambaBlock {
  /// Its place among the parameters' names, `layers.{i}.time`.
  public let name: String
  /// Over N; `norm`.
  public let norm: LayerNorm
  /// First to last; `mamba`.
  public let mamba: Mamba

  /// Registers `norm` and `mamba` in `scope`.
  public init(features: Int, configuration: MambaConfiguration, scope: ParameterScope) {
    name = scope.name
    norm = LayerNorm(features: features, scope: scope.child("norm"))
    mamba = Mamba(features: features, configuration: configuration, scope: scope.child("mamba"))
  }
}

extension UniMambaBlock {
  /// x[B, K, T, N] to the same shape.
  public func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = mambaBlock(
      x, along: .time, normWeight: norm.weight, normBias: norm.bias,
      directions: [DirectedMamba(mamba.weights, reversed: false)], tape)
    tape.inspect(name, out)
    return out
  }

  /// As PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "UniMambaBlock", [.init("norm", norm.outline), .init("mamba", mamba.outline)])
  }
}

/// Layers of Mambas forward in time, `layers.{i}.time`, and an MLP behind the last, `cross_mlp`.
public struct UniMambaTrunk: Trunk {
  /// The blocks, in forward order.
  public let layers: [UniMambaBlock]
  /// Behind the last block.
  public let mlp: CrossBandMLP

  /// Registers `layers` and `cross_mlp` in `scope`.
  public init(
    configuration: UniMambaTrunkConfiguration, layers count: Int, features: Int,
    scope: ParameterScope
  ) {
    layers = (0..<count).map { index in
      UniMambaBlock(
        features: features, configuration: configuration.mamba,
        scope: scope.child("layers").child(String(index)).child("time"))
    }
    mlp = CrossBandMLP(features: features, scope: scope.child("cross_mlp"))
  }
}

extension UniMambaTrunk {
  /// All blocks, one after the other, and the MLP.
  public func callAsFunction(_ z: consuming Tensor, _ tape: Tape) -> Tensor {
    var features = z
    for block in layers { features = block(features, tape) }
    return mlp(features, tape)
  }

  /// The layers, as PyTorch prints them.
  public var modules: [ModuleOutline.Child] {
    let layers = layers.map { ModuleOutline("UniMambaLayer", [.init("time", $0.outline)]) }
    return [.init("layers", .init(list: layers)), .init("cross_mlp", mlp.outline)]
  }
}
