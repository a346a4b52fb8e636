/// The work of kernels that are not products, counted once for the profile and for `bench kernels`.
///
/// Operations are those instructions of an ideal kernel that need one of the two multiply-add ports:
/// multiply-adds and multiplications. Additions, comparisons, shifts and divisions go elsewhere.
extension Profile.Work {
  /// e^x: the rounded exponent, a remainder in two parts, seven coefficients, the scale.
  private static let exponential = 11.0

  /// The gated scan of `count` numbers. A state takes dt·A, exp2's five, dt·x·B, h and y.
  public static func scanForward(_ count: Int, states: Int) -> Self {
    .pass(count, arrays: 4, operations: 9 * Double(states) + exponential + 4)
  }

  /// Its gradients: a state takes the same again without y, and nine on the way back.
  public static func scanBackward(_ count: Int, states: Int) -> Self {
    .pass(count, arrays: 8, operations: 17 * Double(states) + exponential + 23)
  }

  /// The functions of an LSTM's gates and cells for `count` units: three σ, two tanh, and the sums.
  public static func lstmForward(_ count: Int) -> Self {
    .pass(count, arrays: 11, operations: 5 * exponential + 14 + 3)
  }

  /// Their gradients, with tanh of the cell again.
  public static func lstmBackward(_ count: Int) -> Self {
    .pass(count, arrays: 18, operations: exponential + 7 + 16)
  }

  /// Convolution with SiLU.
  public static func convolutionForward(_ count: Int, taps: Int) -> Self {
    .pass(count, arrays: 2, operations: Double(taps) + exponential + 1)
  }

  /// Forward again, SiLU's slope, and both correlations.
  public static func convolutionBackward(_ count: Int, taps: Int) -> Self {
    .pass(count, arrays: 3, operations: 3 * Double(taps) + exponential + 3)
  }

  /// e^−|x| and a logarithm of six coefficients.
  public static func softplus(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: exponential + 8)
  }

  /// e^2|x|, and the polynomial near zero.
  public static func tanhForward(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: exponential + 7)
  }

  /// dy·(1 − y²)
  public static func tanhBackward(_ count: Int) -> Self { .pass(count, arrays: 3, operations: 2) }

  /// LayerNorm: the squares, and two to normalise.
  public static func layerNormForward(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: 3)
  }

  /// Its gradients.
  public static func layerNormBackward(_ count: Int) -> Self {
    .pass(count, arrays: 3, operations: 7)
  }

  /// Mean and deviation of a group, in two walks.
  public static func groupStatistics(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: 1)
  }

  /// GroupNorm from statistics taken before.
  public static func groupNormForward(_ count: Int) -> Self {
    .pass(count, arrays: 2, operations: 1)
  }

  /// Its gradients, in two walks.
  public static func groupNormBackward(_ count: Int) -> Self {
    .pass(count, arrays: 5, operations: 6)
  }

  /// a·σ(b)
  public static func gatedLinearUnitForward(_ count: Int) -> Self {
    .pass(count, arrays: 3, operations: exponential + 1)
  }

  /// Its gradients.
  public static func gatedLinearUnitBackward(_ count: Int) -> Self {
    .pass(count, arrays: 5, operations: exponential + 4)
  }

  /// x + GELU: erf is an exponential and two polynomials.
  public static func geluForward(_ count: Int) -> Self {
    .pass(count, arrays: 3, operations: exponential + 16)
  }

  /// Its gradient: erf again, and the density.
  public static func geluBackward(_ count: Int) -> Self {
    .pass(count, arrays: 3, operations: 2 * exponential + 20)
  }

  /// The loss of complex bins, with its gradient or without.
  public static func spectralLoss(bins: Int, gradient: Bool) -> Self {
    .pass(2 * bins, arrays: gradient ? 3 : 2, operations: 40)
  }

  /// Σ x²
  public static func sumOfSquares(_ count: Int) -> Self { .pass(count, arrays: 1, operations: 1) }

  /// An Adam step: three arrays read and written, the gradient read.
  public static func adam(_ count: Int) -> Self { .pass(count, arrays: 7, operations: 12) }
}
