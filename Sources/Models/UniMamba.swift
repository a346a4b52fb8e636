import Tensor

/// A Mamba that runs forward in time with a residual: x[B, K, T, N] to [B, K, T, N].
///
/// ```
/// out = x + Mamba(LayerNorm(x))
/// ```
/// Each utterance and band is one sequence of length T.
public struct UniMambaBlock {
  /// Prefix of its parameters' names, `layers.{i}.time`.
  public let name: String
  /// Normalisation over N features; `norm`.
  public let norm: LayerNorm
  /// The Mamba, which runs from first to last; `mamba`.
  public let mamba: Mamba

  /// Registers `norm` and `mamba` in `scope`.
  public init(features: Int, configuration: MambaConfiguration, scope: ParameterScope) {
    name = scope.name
    norm = LayerNorm(features: features, scope: scope.child("norm"))
    mamba = Mamba(features: features, configuration: configuration, scope: scope.child("mamba"))
  }
}

extension UniMambaBlock {
  /// Maps x[B, K, T, N] to a tensor of that shape, recorded on `tape`.
  public func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = mambaBlock(
      x, along: .time, norm: norm.parameters,
      directions: [DirectedMamba(mamba.parameters, reversed: false)], tape)
    tape.inspect(name, out)
    return out
  }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "UniMambaBlock", [.init("norm", norm.outline), .init("mamba", mamba.outline)])
  }
}

/// Layers of Mambas that run forward in time, `layers.{i}.time`, and an MLP after the last,
/// `cross_mlp`.
public struct UniMambaTrunk: Trunk {
  /// The blocks, in forward order.
  public let layers: [UniMambaBlock]
  /// The MLP after the last block.
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
  /// Applies all blocks, one after the other, and the MLP to z[B, K, T, N].
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
