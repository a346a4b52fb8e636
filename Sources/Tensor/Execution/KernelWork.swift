/// The work of kernels that are not matrix products, counted in one place for the profile and for
/// `bench kernels`.
///
/// Operations are the instructions of an ideal kernel that need one of the two multiply-add ports:
/// multiply-adds and multiplications. Additions, comparisons, shifts and divisions use other ports.
extension Profile.Work {
  /// Operations of e^x: the rounded exponent, a remainder in two parts, seven coefficients, the
  /// scale.
  private static let exponential = 11.0

  /// Work of the gated scan of `count` numbers. A state takes dt·A, exp2's five, dt·x·B, h and y.
  public static func scanForward(_ count: Int, states: Int) -> Self {
    .pass(count, arrays: 4, operations: 9 * Double(states) + exponential + 4)
  }

  /// Work of the scan's gradients: a state takes the operations of forward without y, and nine more
  /// on the way back.
  public static func scanBackward(_ count: Int, states: Int) -> Self {
    .pass(count, arrays: 8, operations: 17 * Double(states) + exponential + 23)
  }

  /// Work of an LSTM's gates and cells for `count` units: three σ, two tanh, and the sums.
  public static func lstmForward(_ count: Int) -> Self {
    .pass(count, arrays: 11, operations: 5 * exponential + 14 + 3)
  }

  /// Work of the gradients of gates and cells, with tanh of the cell recomputed.
  public static func lstmBackward(_ count: Int) -> Self {
    .pass(count, arrays: 18, operations: exponential + 7 + 16)
  }

  /// Work of the convolution with SiLU.
  public static func convolutionForward(_ count: Int, taps: Int) -> Self {
    .pass(count, arrays: 2, operations: Double(taps) + exponential + 1)
  }

  /// Work of the convolution's gradients: forward recomputed, SiLU's derivative, and both
  /// correlations.
  public static func convolutionBackward(_ count: Int, taps: Int) -> Self {
    .pass(count, arrays: 3, operations: 3 * Double(taps) + exponential + 3)
  }

  /// Work of softplus: e^−|x| and a logarithm of six coefficients.
  public static func softplus(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: exponential + 8)
  }

  /// Work of tanh: e^2|x|, and the polynomial near zero.
  public static func tanhForward(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: exponential + 7)
  }

  /// Work of tanh's gradient, dy·(1 − y²).
  public static func tanhBackward(_ count: Int) -> Self { .pass(count, arrays: 3, operations: 2) }

  /// Work of LayerNorm: the squares, and two operations to normalise.
  public static func layerNormForward(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: 3)
  }

  /// Work of LayerNorm's gradients.
  public static func layerNormBackward(_ count: Int) -> Self {
    .pass(count, arrays: 3, operations: 7)
  }

  /// Work of a group's mean and deviation, in two passes over the numbers.
  public static func groupStatistics(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: 1)
  }

  /// Work of GroupNorm from known statistics.
  public static func groupNormForward(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: 1)
  }

  /// Work of GroupNorm's gradients, in two passes over the numbers.
  public static func groupNormBackward(_ count: Int) -> Self {
    .pass(count, arrays: 5, operations: 6)
  }

  /// Work of the gated linear unit, a·σ(b).
  public static func gatedLinearUnitForward(_ count: Int) -> Self {
    .pass(count, arrays: 3, operations: exponential + 1)
  }

  /// Work of the gated linear unit's gradients.
  public static func gatedLinearUnitBackward(_ count: Int) -> Self {
    .pass(count, arrays: 5, operations: exponential + 4)
  }

  /// Work of x + GELU, in which erf is an exponential and two polynomials.
  public static func geluForward(_ count: Int) -> Self {
    .pass(count, arrays: 3, operations: exponential + 16)
  }

  /// Work of GELU's gradient: erf recomputed, and the normal density.
  public static func geluBackward(_ count: Int) -> Self {
    .pass(count, arrays: 3, operations: 2 * exponential + 20)
  }

  /// Work of the loss of complex bins, with its gradient or without.
  public static func spectralLoss(bins: Int, gradient: Bool) -> Self {
    .pass(2 * bins, arrays: gradient ? 3 : 2, operations: 40)
  }

  /// Work of the sum of squares, Σ x².
  public static func sumOfSquares(_ count: Int) -> Self { .pass(count, arrays: 1, operations: 1) }

  /// Work of an Adam step: three arrays read and written, the gradient read.
  public static func adam(_ count: Int) -> Self { .pass(count, arrays: 7, operations: 12) }
}
