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
  /// The weights of one direction.
  public struct Direction {
    /// Input weights W_ih, [4H, N], `weight_ih_l0`; Xavier-uniform.
    public let inputWeight: Parameter
    /// Recurrent weights W_hh, [4H, H], `weight_hh_l0`; orthonormal columns.
    public let recurrentWeight: Parameter
    /// Input bias b_ih, [4H], `bias_ih_l0`; zeros.
    public let inputBias: Parameter
    /// Recurrent bias b_hh, [4H], `bias_hh_l0`; zeros.
    public let recurrentBias: Parameter

    var all: [Parameter] { [inputWeight, recurrentWeight, inputBias, recurrentBias] }
  }

  /// Number of inputs, N.
  public let features: Int
  /// Number of units, H.
  public let hiddenFeatures: Int
  /// The direction from first to last, and the one from last to first (`…_reverse`) if there are
  /// two.
  public let directions: [Direction]

  /// Registers all parameters in `scope`.
  public init(features: Int, hiddenFeatures: Int, bidirectional: Bool, scope: ParameterScope) {
    self.features = features
    self.hiddenFeatures = hiddenFeatures
    let gates = 4 * hiddenFeatures
    directions = (bidirectional ? ["", "_reverse"] : [""]).map { suffix in
      Direction(
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
    directions.enumerated().map { index, direction in
      DirectedLSTM(
        LSTMParameters(
          inputWeight: direction.inputWeight, recurrentWeight: direction.recurrentWeight,
          inputBias: direction.inputBias, recurrentBias: direction.recurrentBias),
        reversed: index == 1)
    }
  }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "LSTM(\(features), \(hiddenFeatures), batch_first=True"
        + (directions.count == 2 ? ", bidirectional=True)" : ")"),
      parameters: directions.flatMap(\.all))
  }
}
