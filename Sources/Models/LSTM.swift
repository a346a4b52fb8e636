import Tensor

/// A layer of torch.nn.LSTM with N inputs and H units, in one or two directions.
///
/// ```
/// i, f, g, o = split(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)
/// c_t        = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)
/// h_t        = σ(o) ⊙ tanh(c_t)                      h_0 = c_0 = 0
/// ```
/// Parameter names, shapes and the order of the gates are PyTorch's. Source: Hochreiter and
/// Schmidhuber 1997.
public struct LSTM {
  /// Number of inputs, N.
  public let features: Int
  /// Number of units, H.
  public let hiddenFeatures: Int
  /// The direction from first to last, and the one from last to first (`…_reverse`) if there are
  /// two.
  public let directions: [LSTMParameters]

  /// Registers all parameters in `scope`: input weights Xavier-uniform, recurrent ones with
  /// orthonormal columns, biases zero.
  public init(features: Int, hiddenFeatures: Int, bidirectional: Bool, scope: ParameterScope) {
    self.features = features
    self.hiddenFeatures = hiddenFeatures
    let gates = 4 * hiddenFeatures
    directions = (bidirectional ? ["", "_reverse"] : [""]).map { suffix in
      LSTMParameters(
        inputWeight: scope.parameter("weight_ih_l0" + suffix, [gates, features], .xavierUniform),
        recurrentWeight: scope.parameter(
          "weight_hh_l0" + suffix, [gates, hiddenFeatures], .orthogonal),
        inputBias: scope.parameter("bias_ih_l0" + suffix, [gates], .zeros),
        recurrentBias: scope.parameter("bias_hh_l0" + suffix, [gates], .zeros))
    }
  }
}

extension LSTM {
  /// The directions in the form that the fused operation takes.
  var directed: [DirectedLSTM] {
    directions.enumerated().map { DirectedLSTM($1, reversed: $0 == 1) }
  }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "LSTM(\(features), \(hiddenFeatures), batch_first=True"
        + (directions.count == 2 ? ", bidirectional=True)" : ")"),
      parameters: directions.flatMap(\.all))
  }
}
