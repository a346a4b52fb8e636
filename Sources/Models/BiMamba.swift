import Tensor

extension SequenceAxis {
  /// The name of a path along this axis in presets and parameter keys: `intra` along time, within a
  /// band, `cross` along the bands.
  public var path: String { self == .time ? "intra" : "cross" }

  /// The axis of this path; nil for another name.
  public init?(path: String) {
    guard let axis = SequenceAxis.allCases.first(where: { $0.path == path }) else { return nil }
    self = axis
  }
}

/// A bidirectional Mamba with a residual, over time or over bands: x[B, K, T, N] to [B, K, T, N].
///
/// ```
/// n   = LayerNorm(x)
/// out = x + forward(n) + reverse(backward(reverse(n)))
/// ```
/// `reverse` flips the sequence axis: T along time (B·K sequences of length T), K along the bands
/// (B·T sequences of length K).
public struct BiMambaBlock {
  /// Prefix of its parameters' names, `layers.{i}.{path}`.
  public let name: String
  /// The axis that the block runs along.
  public let axis: SequenceAxis
  /// Normalisation over N features; `norm`.
  public let norm: LayerNorm
  /// The Mamba that runs from first to last; `fwd`.
  public let forward: Mamba
  /// The Mamba that runs from last to first; `bwd`.
  public let backward: Mamba

  /// Registers `norm`, `fwd` and `bwd` in `scope`.
  public init(
    along axis: SequenceAxis, features: Int, configuration: MambaConfiguration,
    scope: ParameterScope
  ) {
    name = scope.name
    self.axis = axis
    norm = LayerNorm(features: features, scope: scope.child("norm"))
    forward = Mamba(features: features, configuration: configuration, scope: scope.child("fwd"))
    backward = Mamba(features: features, configuration: configuration, scope: scope.child("bwd"))
  }
}

extension BiMambaBlock {
  /// Maps x[B, K, T, N] to a tensor of that shape, recorded on `tape`.
  public func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = mambaBlock(
      x, along: axis, norm: norm.parameters,
      directions: [
        DirectedMamba(forward.parameters, reversed: false),
        DirectedMamba(backward.parameters, reversed: true),
      ], tape)
    tape.inspect(name, out)
    return out
  }
}

/// Layers of bidirectional Mamba blocks, one block per path and layer; names `layers.{i}.{path}`.
public struct BiMambaTrunk: Trunk {
  /// The blocks of each layer, in forward order.
  public let layers: [[BiMambaBlock]]

  /// Registers `layers` in `scope`.
  public init(
    configuration: BiMambaTrunkConfiguration, layers count: Int, features: Int,
    scope: ParameterScope
  ) {
    layers = (0..<count).map { index in
      let layer = scope.child("layers").child(String(index))
      return configuration.paths.map { axis in
        BiMambaBlock(
          along: axis, features: features, configuration: configuration.mamba,
          scope: layer.child(axis.path))
      }
    }
  }
}

extension BiMambaBlock {
  /// The structure of the block as PyTorch prints it, named by its path.
  public var outline: ModuleOutline {
    ModuleOutline(
      axis == .time ? "IntraBandBiMamba" : "CrossBandBiMamba",
      [
        .init("norm", norm.outline), .init("fwd", forward.outline),
        .init("bwd", backward.outline),
      ])
  }
}

extension BiMambaTrunk {
  /// Applies all blocks of all layers, one after the other, to z[B, K, T, N].
  public func callAsFunction(_ z: consuming Tensor, _ tape: Tape) -> Tensor {
    var features = z
    for block in layers.joined() { features = block(features, tape) }
    return features
  }

  /// The layers, as PyTorch prints them.
  public var modules: [ModuleOutline.Child] {
    let layers = layers.map { blocks in
      ModuleOutline(
        "BiMambaLayer", blocks.map { .init($0.axis.path, $0.outline) })
    }
    return [.init("layers", .init(list: layers))]
  }
}
