import Platform

/// Reasons for which a pair of signals has no STOI, segmental SNR, LLR or WSS. PESQ and SI-SDR have
/// errors of their own.
public enum MetricError: Error, Equatable, Sendable, CustomStringConvertible {
  /// One of the two compared signals.
  public typealias Signal = PESQError.Signal

  /// The signals are not sampled at 16 kHz; carries their rate in hertz.
  case unsupportedSampleRate(Int)
  /// The signal holds a NaN or an infinity, first at sample `index`.
  case nonFiniteSample(Signal, index: Int)
  /// All samples of the reference are zero.
  case silentReference
  /// All samples of the degraded signal are zero.
  case silentDegraded
  /// The signals have fewer samples than a frame and a hop.
  case tooShort(sampleCount: Int, minimum: Int)
  /// The reference has fewer frames than a segment once its pauses are removed.
  case tooLittleSpeech(frameCount: Int, minimum: Int)
  /// No frame has nonzero samples in both signals.
  case noFiniteFrame

  /// One sentence that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .unsupportedSampleRate(let rate):
      "defined at \(SignalPair.sampleRate) Hz only, not at \(rate) Hz: resample both signals first"
    case .nonFiniteSample(let signal, let index):
      "the \(signal.rawValue) signal is not finite at sample \(index): check what produced it"
    case .silentReference:
      "the reference signal is silent, so there is nothing to compare with: "
        + "leave this utterance out"
    case .silentDegraded: "the degraded signal is silent: check what produced it"
    case .tooShort(let count, let minimum):
      "the signals have \(NumberText.count(count, "sample")) in common, and \(minimum) are needed: "
        + "leave this utterance out"
    case .tooLittleSpeech(let count, let minimum):
      "without pauses the reference has \(NumberText.count(count, "frame")), and \(minimum) are "
        + "needed (0.4 s of speech): leave this utterance out"
    case .noFiniteFrame:
      "no frame has sound in both signals: leave this utterance out"
    }
  }
}
