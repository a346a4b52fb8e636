import KernelAPI

/// The two means of the loss and their combination.
public struct SpectralLossValue: Sendable {
  /// mean |Ŝ − S|
  public let complexTerm: Float
  /// mean ||Ŝ|^0.3 − |S|^0.3|
  public let magnitudeTerm: Float
  /// 0.5·complexTerm + 0.5·magnitudeTerm
  public var total: Float { 0.5 * complexTerm + 0.5 * magnitudeTerm }
}

/// 0.5·mean|Ŝ − S| + 0.5·mean||Ŝ|^0.3 − |S|^0.3| over all complex bins.
///
/// |·| is the complex modulus, with (|·| + 1e-10)^0.3 in the second mean. The gradient at |Ŝ| = 0
/// is zero.
///
/// - Parameters:
///   - estimate: Ŝ, [B, T, F, 2].
///   - target: S, of the same shape.
///   - weight: scales the gradient, not the value; 1/n makes n utterances' gradients a mean.
///   - tape: The tape that records the backward step.
public func spectralLoss(
  _ estimate: Tensor, _ target: Tensor, weight: Float = 1, _ tape: Tape
) -> SpectralLossValue {
  precondition(
    estimate.shape == target.shape, "spectralLoss: \(estimate.shape) against \(target.shape)")
  let count = estimate.count / 2
  let gradient = tape.isRecording ? Storage(count: estimate.count) : nil
  let sums = tape.execution.profile.measure(
    .loss, .forward, .spectralLoss(bins: count, gradient: gradient != nil)
  ) {
    kernels.spectralLoss(
      estimate.base, target.base, count: count,
      scale: weight / Float(count), gradient: gradient?.base)
  }
  if let gradient { tape.record { estimate.accumulate(gradient: gradient) } }
  let value = SpectralLossValue(
    complexTerm: Float(sums.complex / Double(count)),
    magnitudeTerm: Float(sums.magnitude / Double(count)))
  tape.inspect("loss", Tensor(shape: [2], elements: [value.complexTerm, value.magnitudeTerm]))
  return value
}
