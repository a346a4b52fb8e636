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
/// x, z        = split(in_proj(u))
/// x           = SiLU(causal depthwise conv1d(x))
/// delta, B, C = split(x_proj(x))
/// delta       = softplus(dt_proj(delta))
/// A           = -exp(A_log)
/// h_t         = exp(delta_t·A) ⊙ h_{t-1} + (delta_t·x_t) B_t      h [D, S], h_0 = 0
/// y_t         = ⟨h_t, C_t⟩ + D ⊙ x_t
/// out         = out_proj(y ⊙ SiLU(z))
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
  /// Rank of the projection of delta, R.
  public let deltaRank: Int
  /// The parameters in the form that the fused operation takes.
  public let parameters: MambaParameters

  /// Registers all parameters in `scope`.
  ///
  /// First values as in mamba_ssm: `conv1d` uniform ±d_conv^-½, `dt_proj.weight` uniform ±R^-½,
  /// `dt_proj.bias` the inverse softplus of steps drawn log-uniformly in [1e-3, 0.1], at least
  /// 1e-4, `A_log` log(1…S) on every row, `D` ones.
  public init(features: Int, configuration: MambaConfiguration, scope: ParameterScope) {
    let inner = configuration.expansion * features
    let rank = (features + 15) / 16
    let states = configuration.stateSize
    let taps = configuration.convolutionTaps
    self.configuration = configuration
    self.features = features
    innerFeatures = inner
    deltaRank = rank

    let ofConvolution = Initializer.uniform(bound: 1 / Float(taps).squareRoot())
    let inProjection = scope.parameter("in_proj.weight", [2 * inner, features], .xavierUniform)
    let convolution = AffineParameters(
      weight: scope.parameter("conv1d.weight", [inner, 1, taps], ofConvolution),
      bias: scope.parameter("conv1d.bias", [inner], ofConvolution))
    let xProjection = scope.parameter("x_proj.weight", [rank + 2 * states, inner], .xavierUniform)
    // These two stay out of the Xavier pass: it would undo the steps' range.
    let deltaProjection = AffineParameters(
      weight: scope.parameter(
        "dt_proj.weight", [inner, rank], .uniform(bound: 1 / Float(rank).squareRoot())),
      bias: scope.parameter(
        "dt_proj.bias", [inner],
        .inverseSoftplusOfLogUniform(minimum: 1e-3, maximum: 0.1, floor: 1e-4)))
    parameters = MambaParameters(
      inProjection: inProjection, convolution: convolution, xProjection: xProjection,
      deltaProjection: deltaProjection,
      aLog: scope.parameter("A_log", [inner, states], .logStateIndex),
      d: scope.parameter("D", [inner], .ones),
      outProjection: scope.parameter("out_proj.weight", [features, inner], .xavierUniform))
  }
}

extension Mamba {
  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    let taps = configuration.convolutionTaps
    return ModuleOutline(
      "Mamba", ownParameters: [parameters.aLog, parameters.d],
      [
        .init("in_proj", .init(linear: parameters.inProjection, bias: false)),
        .init(
          "conv1d",
          .init(
            "Conv1d(\(innerFeatures), \(innerFeatures), kernel_size=(\(taps),), stride=(1,), "
              + "padding=(\(taps - 1),), groups=\(innerFeatures))",
            parameters: [parameters.convolution.weight, parameters.convolution.bias])),
        .init("x_proj", .init(linear: parameters.xProjection, bias: false)),
        .init("dt_proj", .init(linear: parameters.deltaProjection.weight, bias: true)),
        .init("out_proj", .init(linear: parameters.outProjection, bias: false)),
      ])
  }
}
