import Foundation

/// Reasons for which a pair of signals has no scale-invariant signal-to-distortion ratio.
public enum SISDRError: Error, Equatable, Sendable, CustomStringConvertible {
  /// At least one of the signals has no samples.
  case empty
  /// A signal holds a NaN or an infinity, first at sample `index`.
  case nonFiniteSample(index: Int)
  /// The reference is constant.
  case silentReference
  /// The degraded signal is constant.
  case silentDegraded

  /// One sentence that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .empty:
      "SI-SDR needs at least one sample of both signals: leave this utterance out"
    case .nonFiniteSample(let index):
      "a signal is not finite at sample \(index), so SI-SDR is undefined: check what produced it"
    case .silentReference:
      "the reference signal is silent or constant, so SI-SDR is undefined: leave this utterance out"
    case .silentDegraded:
      "the degraded signal is silent or constant, so SI-SDR is undefined: check what produced it"
    }
  }
}

/// The scale-invariant signal-to-distortion ratio, in decibels.
///
/// The mean of each signal is removed and the degraded signal, `d`, is projected onto the
/// reference, `r`: with `t = (<d, r> / <r, r>) r` and `e = d - t` the ratio is `10 log10(<t, t> /
/// <e, e>)`.
/// Source: Le Roux et al. 2019.
///
/// - Parameters:
///   - reference: the clean signal.
///   - degraded: the signal to judge. The longer of the two is cut to the shorter.
/// - Returns: decibels; `+infinity` where `degraded` is the reference up to scale, `-infinity`
///   where it is orthogonal to the reference.
/// - Throws: `SISDRError` when a signal is empty, silent or not finite.
public func siSDR(reference: [Float], degraded: [Float]) throws(SISDRError) -> Double {
  let count = min(reference.count, degraded.count)
  guard count > 0 else { throw .empty }
  var referenceSum = 0.0
  var degradedSum = 0.0
  for i in 0..<count {
    guard reference[i].isFinite, degraded[i].isFinite else { throw .nonFiniteSample(index: i) }
    referenceSum += Double(reference[i])
    degradedSum += Double(degraded[i])
  }
  let referenceMean = referenceSum / Double(count)
  let degradedMean = degradedSum / Double(count)

  var referenceEnergy = 0.0
  var degradedEnergy = 0.0
  var product = 0.0
  for i in 0..<count {
    let r = Double(reference[i]) - referenceMean
    let d = Double(degraded[i]) - degradedMean
    referenceEnergy += r * r
    degradedEnergy += d * d
    product += d * r
  }
  guard referenceEnergy > 0 else { throw .silentReference }
  guard degradedEnergy > 0 else { throw .silentDegraded }

  // The error is summed sample by sample: as a difference of energies it would cancel.
  let scale = product / referenceEnergy
  var errorEnergy = 0.0
  for i in 0..<count {
    let r = Double(reference[i]) - referenceMean
    let error = Double(degraded[i]) - degradedMean - scale * r
    errorEnergy += error * error
  }
  guard errorEnergy > 0 else { return .infinity }
  return 10 * log10(scale * scale * referenceEnergy / errorEnergy)
}
