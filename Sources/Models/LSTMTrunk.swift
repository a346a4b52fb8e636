import Tensor

/// A recurrent layer with a residual, over time or over bands: x[B, K, T, N] to [B, K, T, N].
///
/// ```
/// out = x + Linear(LSTM(GroupNorm(x)))
/// ```
/// GroupNorm has one group over the N features, T frames and K bands of an utterance. Over time the
/// LSTM runs from first to last (B·K sequences of length T), over bands in both directions (B·T
/// sequences of length K). Source: Luo and Yu 2023 (BSRNN).
public struct LSTMBlock {
  /// Prefix of its parameters' names, `{axis}.{i}`.
  public let name: String
  /// The axis that the block runs along.
  public let axis: SequenceAxis
  /// Normalisation over N features; `norm`.
  public let norm: GroupNorm
  /// LSTM from N to H features in each direction; `lstm`.
  public let lstm: LSTM
  /// Projection from the H features of all directions to N; `fc`.
  public let projection: Linear

  /// Registers `norm`, `lstm` and `fc` in `scope`.
  public init(
    along axis: SequenceAxis, features: Int, expansion: Int, scope: ParameterScope
  ) {
    name = scope.name
    self.axis = axis
    norm = GroupNorm(features: features, scope: scope.child("norm"))
    lstm = LSTM(
      features: features, hiddenFeatures: expansion * features, bidirectional: axis == .band,
      scope: scope.child("lstm"))
    projection = Linear(
      inputs: lstm.directions.count * lstm.hiddenFeatures, outputs: features,
      scope: scope.child("fc"))
  }
}

extension LSTMBlock {
  /// Maps x[B, K, T, N] to a tensor of that shape, recorded on `tape`.
  public func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = lstmBlock(
      x, along: axis, norm: norm.parameters, directions: lstm.directed,
      output: projection.parameters, tape)
    tape.inspect(name, out)
    return out
  }

  /// The structure of the block as PyTorch prints it, named by its axis.
  public var outline: ModuleOutline {
    ModuleOutline(
      axis == .time ? "TimeLSTM" : "BandLSTM",
      [
        .init("norm", norm.outline), .init("lstm", lstm.outline),
        .init("fc", projection.outline),
      ])
  }
}

/// The trunk of BSRNN as published: all blocks over time, then all over bands; names `time.{i}` and
/// `band.{i}`.
public struct LSTMTrunk: Trunk {
  /// The blocks of each axis, in forward order.
  public let blocks: [[LSTMBlock]]

  /// Registers `time`, then `band` in `scope`.
  public init(
    configuration: LSTMTrunkConfiguration, layers count: Int, features: Int, scope: ParameterScope
  ) {
    blocks = SequenceAxis.allCases.map { axis in
      (0..<count).map { index in
        LSTMBlock(
          along: axis, features: features, expansion: configuration.expansion,
          scope: scope.child(axis.rawValue).child(String(index)))
      }
    }
  }
}

extension LSTMTrunk {
  /// Applies all blocks, one after the other, to z[B, K, T, N].
  public func callAsFunction(_ z: consuming Tensor, _ tape: Tape) -> Tensor {
    var features = z
    for block in blocks.joined() { features = block(features, tape) }
    return features
  }

  /// The blocks of each axis, as PyTorch prints them.
  public var modules: [ModuleOutline.Child] {
    zip(SequenceAxis.allCases, blocks).map { axis, blocks in
      .init(axis.rawValue, .init(list: blocks.map(\.outline)))
    }
  }
}
