import Tensor

/// The sizes of a Mamba besides its width N.
public struct MambaConfiguration: Sendable, Equatable {
  /// Number of states per inner feature, `d_state`.
  public let stateSize: Int
  /// Number of taps of the causal convolution, `d_conv`.
  public let convolutionTaps: Int
  /// Ratio of inner features to N, `expand`.
  public let expansion: Int

  /// A configuration of these sizes; the defaults are those of the published ablations.
  public init(stateSize: Int = 16, convolutionTaps: Int = 4, expansion: Int = 1) {
    self.stateSize = stateSize
    self.convolutionTaps = convolutionTaps
    self.expansion = expansion
  }
}

/// A selective state space model along one direction of a sequence: u[M, L, N] to [M, L, N].
///
/// With D = `expand`·N inner features, S = `d_state`, R = `dt_rank` = ⌈N/16⌉:
/// ```
/// x, z    = split(in_proj(u))
/// x       = SiLU(causal depthwise conv1d(x))
/// dt,B,C  = split(x_proj(x))
/// dt      = softplus(dt_proj(dt))
/// A       = -exp(A_log)
/// h_t     = exp(dt_t·A) ⊙ h_{t-1} + (dt_t·x_t) B_t      h [D, S], h_0 = 0
/// y_t     = ⟨h_t, C_t⟩ + D ⊙ x_t
/// out     = out_proj(y ⊙ SiLU(z))
/// ```
/// Parameter names, shapes and initialisation are those of `mamba_ssm.Mamba`, except that the
/// matrices of `in_proj`, `x_proj` and `out_proj` are Xavier-uniform, as in the published runs.
/// Source: Gu and Dao 2023.
public struct Mamba {
  /// The sizes besides N.
  public let configuration: MambaConfiguration
  /// Width of input and output, N.
  public let features: Int
  /// Number of inner features, D.
  public let innerFeatures: Int
  /// Rank of the time step's projection, R.
  public let timeStepRank: Int

  /// Input projection `in_proj.weight`, [2D, N]: rows of x, then of z; Xavier-uniform, no bias.
  public let inProjection: Parameter
  /// Convolution taps `conv1d.weight`, [D, 1, d_conv]; uniform ±d_conv^-½.
  public let convolutionWeight: Parameter
  /// Convolution bias `conv1d.bias`, [D]; uniform ±d_conv^-½.
  public let convolutionBias: Parameter
  /// Projection of x `x_proj.weight`, [R + 2S, D]: rows of dt, of B, of C; Xavier-uniform, no bias.
  public let xProjection: Parameter
  /// Time step's projection `dt_proj.weight`, [D, R]; uniform ±R^-½.
  public let timeStepWeight: Parameter
  /// Time step's bias `dt_proj.bias`, [D]; inverse softplus of steps drawn log-uniformly from
  /// [1e-3, 0.1], at least 1e-4.
  public let timeStepBias: Parameter
  /// Logarithm `A_log` of −A, [D, S]; log(1…S) in every row.
  public let stateLog: Parameter
  /// Skip weights `D`, [D]; ones.
  public let skip: Parameter
  /// Output projection `out_proj.weight`, [N, D]; Xavier-uniform, no bias.
  public let outProjection: Parameter

  /// Registers all parameters in `scope`.
  public init(features: Int, configuration: MambaConfiguration, scope: ParameterScope) {
    let inner = configuration.expansion * features
    let rank = (features + 15) / 16
    let states = configuration.stateSize
    let taps = configuration.convolutionTaps
    self.configuration = configuration
    self.features = features
    innerFeatures = inner
    timeStepRank = rank

    let convolutionBound = 1 / Float(taps).squareRoot()
    inProjection = scope.parameter("in_proj.weight", [2 * inner, features], .xavierUniform)
    convolutionWeight = scope.parameter(
      "conv1d.weight", [inner, 1, taps], .uniform(bound: convolutionBound))
    convolutionBias = scope.parameter("conv1d.bias", [inner], .uniform(bound: convolutionBound))
    xProjection = scope.parameter("x_proj.weight", [rank + 2 * states, inner], .xavierUniform)
    // These two are not Xavier-uniform, because that would undo the range of the time steps.
    timeStepWeight = scope.parameter(
      "dt_proj.weight", [inner, rank], .uniform(bound: 1 / Float(rank).squareRoot()))
    timeStepBias = scope.parameter(
      "dt_proj.bias", [inner],
      .inverseSoftplusOfLogUniform(minimum: 1e-3, maximum: 0.1, floor: 1e-4))
    stateLog = scope.parameter("A_log", [inner, states], .logStateIndex)
    skip = scope.parameter("D", [inner], .ones)
    outProjection = scope.parameter("out_proj.weight", [features, inner], .xavierUniform)
  }
}

extension Mamba {
  /// The parameters in the form that the fused operation takes.
  package var weights: MambaParameters {
    MambaParameters(
      inProjection: inProjection, convolutionWeight: convolutionWeight,
      convolutionBias: convolutionBias, xProjection: xProjection, stepWeight: timeStepWeight,
      stepBias: timeStepBias, logDecay: stateLog, skip: skip, outProjection: outProjection)
  }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    let taps = configuration.convolutionTaps
    return ModuleOutline(
      "Mamba", ownParameters: [stateLog, skip],
      [
        .init("in_proj", .init(linear: inProjection, bias: false)),
        .init(
          "conv1d",
          .init(
            "Conv1d(\(innerFeatures), \(innerFeatures), kernel_size=(\(taps),), stride=(1,), "
              + "padding=(\(taps - 1),), groups=\(innerFeatures))",
            parameters: [convolutionWeight, convolutionBias])),
        .init("x_proj", .init(linear: xProjection, bias: false)),
        .init("dt_proj", .init(linear: timeStepWeight, bias: true)),
        .init("out_proj", .init(linear: outProjection, bias: false)),
      ])
  }
}
