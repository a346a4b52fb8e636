/// Wide-band PESQ: the perceptual speech quality of ITU-T P.862 with the input filter and output
/// mapping of P.862.2, at 16 kHz.
///
/// This is an independent implementation for research, not certified by the ITU or others. Its
/// scores agree with the values that the speech-enhancement literature reports as "PESQ" (wide
/// band): 4.6439 for identical signals, down to about 1.01.
public enum PESQ {
  /// The only sample rate that the wide-band model is defined for, in hertz.
  public static let sampleRate = 16_000
  /// Length of the shortest signal that gets a score, in samples (a quarter of a second).
  public static let minimumSampleCount = 4_000

  /// The wide-band PESQ score (MOS-LQO) of one utterance.
  ///
  /// Several threads may call this at once. Each call plans its own Fourier transforms; to score
  /// many utterances, keep one `Scorer` per thread instead.
  ///
  /// - Parameters:
  ///   - reference: the clean mono signal, any scale.
  ///   - degraded: the signal to judge, any scale and length.
  ///   - sampleRate: the rate of both signals, in hertz; must be 16000.
  /// - Returns: the score, about 1.01 (worst) to 4.6439 (identical).
  /// - Throws: `PESQError` when no score is defined.
  public static func wideBand(
    reference: [Float], degraded: [Float], sampleRate: Int
  ) throws(PESQError) -> Double {
    try Scorer().wideBand(reference: reference, degraded: degraded, sampleRate: sampleRate)
  }
}

extension PESQ {
  /// Scores many utterances with one set of Fourier transforms. Serves one thread at a time.
  public final class Scorer {
    private let workspace = Workspace()

    /// A scorer that plans the transform of each length when it first needs it.
    public init() {}

    /// The wide-band PESQ score (MOS-LQO) of one utterance; see `PESQ.wideBand`.
    ///
    /// - Throws: `PESQError` when no score is defined.
    public func wideBand(
      reference: [Float], degraded: [Float], sampleRate: Int
    ) throws(PESQError) -> Double {
      try analyse(reference: reference, degraded: degraded, sampleRate: sampleRate).score
    }

    /// The score together with the values of every stage that leads to it.
    ///
    /// - Throws: `PESQError` when no score is defined.
    package func analyse(
      reference: [Float], degraded: [Float], sampleRate: Int
    ) throws(PESQError) -> Analysis {
      try Analysis(
        reference: reference, degraded: degraded, sampleRate: sampleRate, workspace: workspace)
    }
  }
}
