import Tensor

/// One layer of torch.nn.LSTM with N inputs and H units, in one or two directions.
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
    /// `weight_ih_l0`, [4H, N]; Xavier-uniform.
    public let inputWeight: Parameter
    /// `weight_hh_l0`, [4H, H]; orthonormal columns.
    public let recurrentWeight: Parameter
    /// `bias_ih_l0`, [4H]; zeros.
    public let inputBias: Parameter
    /// `bias_hh_l0`, [4H]; zeros.
    public let recurrentBias: Parameter

    var all: [Parameter] { [inputWeight, recurrentWeight, inputBias, recurrentBias] }
  }

  /// N.
  public let features: Int
  /// H.
  public let hiddenFeatures: Int
  /// First to last, then last to first (`…_reverse`) if there are two.
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
  /// The directions as the fused operation takes them.
  var directed: [DirectedLSTM] {
    directions.enumerated().map { index, direction in
      DirectedLSTM(
        LSTMParameters(
          inputWeight: direction.inputWeight, recurrentWeight: direction.recurrentWeight,
          inputBias: direction.inputBias, recurrentBias: direction.recurrentBias),
        reversed: index == 1)
    }
  }

  /// As PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "LSTM(\(features), \(hiddenFeatures), batch_first=True"
        + (directions.count == 2 ? ", bidirectional=True)" : ")"),
      parameters: directions.flatMap(\.all))
  }
}
