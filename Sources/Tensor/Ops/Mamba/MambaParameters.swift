/// The parameters of one Mamba direction with D inner channels; shapes and meaning are mamba_ssm's.
public struct MambaParameters {
  /// `in_proj.weight` [2D, N]: rows of x, then of z. No bias.
  public let inProjection: Parameter
  /// `conv1d`: weight [D, 1, taps] and bias [D].
  public let convolution: AffineParameters
  /// `x_proj.weight` [dt_rank + 2·d_state, D]: rows of delta, of B, of C. No bias.
  public let xProjection: Parameter
  /// `dt_proj`: weight [D, dt_rank] and bias [D].
  public let deltaProjection: AffineParameters
  /// `A_log` [D, d_state]; A = −exp(A_log).
  public let aLog: Parameter
  /// `D` [D].
  public let d: Parameter
  /// `out_proj.weight` [N, D]. No bias.
  public let outProjection: Parameter

  /// Parameters of one direction, in the shapes of mamba_ssm.
  public init(
    inProjection: Parameter, convolution: AffineParameters, xProjection: Parameter,
    deltaProjection: AffineParameters, aLog: Parameter, d: Parameter, outProjection: Parameter
  ) {
    self.inProjection = inProjection
    self.convolution = convolution
    self.xProjection = xProjection
    self.deltaProjection = deltaProjection
    self.aLog = aLog
    self.d = d
    self.outProjection = outProjection
  }

  var all: [Parameter] {
    [inProjection, xProjection, aLog, d, outProjection] + convolution.all + deltaProjection.all
  }
}

/// The parameters of a Mamba with the direction that it runs in.
public struct DirectedMamba {
  /// The parameters.
  public let parameters: MambaParameters
  /// Whether it runs from the end of the sequence to its start.
  public let reversed: Bool

  /// Mamba that starts at the last step if `reversed`.
  public init(_ parameters: MambaParameters, reversed: Bool) {
    self.parameters = parameters
    self.reversed = reversed
  }
}
