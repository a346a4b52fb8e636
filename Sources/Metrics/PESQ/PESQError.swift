import Platform

/// Reasons for which a pair of signals has no PESQ score.
public enum PESQError: Error, Equatable, Sendable, CustomStringConvertible {
  /// One of the two compared signals.
  public enum Signal: String, Sendable {
    /// The clean signal.
    case reference
    /// The signal to judge.
    case degraded
  }

  /// The signals are not sampled at 16 kHz; carries their rate in hertz.
  case unsupportedSampleRate(Int)
  /// The signal holds a NaN or an infinity, first at sample `index`.
  case nonFiniteSample(Signal, index: Int)
  /// The signal has only `sampleCount` samples, fewer than `PESQ.minimumSampleCount`.
  case tooShort(Signal, sampleCount: Int)
  /// The reference has no energy in the telephone band.
  case silentReference
  /// The degraded signal has no energy in the telephone band.
  case silentDegraded
  /// The reference holds no stretch of speech of at least 200 ms that the degraded signal covers.
  case noUtterance

  /// One sentence that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .unsupportedSampleRate(let rate):
      "wide-band PESQ is defined at \(PESQ.sampleRate) Hz only, not at \(rate) Hz: "
        + "resample both signals first"
    case .nonFiniteSample(let signal, let index):
      "the \(signal.rawValue) signal is not finite at sample \(index): "
        + "check what produced it"
    case .tooShort(let signal, let count):
      "the \(signal.rawValue) signal has \(NumberText.count(count, "sample")), PESQ needs "
        + "\(PESQ.minimumSampleCount) (a quarter of a second): leave this utterance out"
    case .silentReference:
      "the reference signal is silent, so there is nothing to compare with: "
        + "leave this utterance out"
    case .silentDegraded:
      "the degraded signal is silent, so PESQ is undefined: check what produced it"
    case .noUtterance:
      "PESQ finds no speech of at least 200 ms common to both signals: leave this utterance out"
    }
  }
}
