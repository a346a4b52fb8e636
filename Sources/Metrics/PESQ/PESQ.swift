/// Wide-band PESQ: the perceptual speech quality of ITU-T P.862 with the input filter and output
/// mapping of P.862.2, at 16 kHz.
///
/// An independent implementation for research; not certified by the ITU or anybody else. It follows
/// the numbers that the speech-enhancement literature reports as "PESQ" (wide band): 4.6439 for
/// identical signals, down to about 1.01.
public enum PESQ {
  /// The only sample rate that the wide-band model is defined for, in hertz.
  public static let sampleRate = 16_000
  /// The shortest signal that gets a score, in samples (a quarter of a second).
  public static let minimumSampleCount = 4_000

  /// The wide-band PESQ score (MOS-LQO) of one utterance.
  ///
  /// Callable from several threads at once. Each call plans its own Fourier transforms; whoever
  /// scores many utterances keeps one `Scorer` per thread instead.
  ///
  /// - Parameters:
  ///   - reference: the clean mono signal, any scale.
  ///   - degraded: the signal to judge, any scale; its length may differ.
  ///   - sampleRate: of both signals, in hertz; must be 16000.
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

    /// A scorer without any transforms yet; they are planned as lengths come up.
    public init() {}

    /// The wide-band PESQ score of one utterance; see `PESQ.wideBand`.
    public func wideBand(
      reference: [Float], degraded: [Float], sampleRate: Int
    ) throws(PESQError) -> Double {
      try analyse(reference: reference, degraded: degraded, sampleRate: sampleRate).score
    }

    /// The score together with the values of every stage that leads to it.
    package func analyse(
      reference: [Float], degraded: [Float], sampleRate: Int
    ) throws(PESQError) -> Analysis {
      try Analysis(
        reference: reference, degraded: degraded, sampleRate: sampleRate, workspace: workspace)
    }
  }
}
