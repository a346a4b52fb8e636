/// A number that a score table lists for each utterance. The raw value heads its column.
///
/// A further metric is a further case, a stored property of `UtteranceScore` and a line in its
/// subscript; the table and its means follow.
public enum ScoreColumn: String, CaseIterable, Sendable {
  /// Wide-band PESQ (MOS-LQO).
  case pesqWB = "pesq_wb"
  /// Scale-invariant signal-to-distortion ratio in decibels.
  case siSDR = "si_sdr"
}

/// What scoring one utterance gave.
public struct UtteranceScore: Equatable, Sendable {
  /// The utterance's file name.
  public let file: String
  /// Wide-band PESQ (MOS-LQO), or nil where it is undefined.
  public var pesqWB: Double?
  /// SI-SDR in decibels, possibly infinite, or nil where it is undefined.
  public var siSDR: Double?
  /// Why a number is missing, or nil where all are there.
  public var error: String?

  /// Collects numbers that are known already.
  public init(file: String, pesqWB: Double? = nil, siSDR: Double? = nil, error: String? = nil) {
    self.file = file
    self.pesqWB = pesqWB
    self.siSDR = siSDR
    self.error = error
  }

  /// Scores a pair of signals. A metric that is undefined for it leaves its reason in `error`.
  ///
  /// - Parameters:
  ///   - file: names the utterance in reports.
  ///   - reference: the clean mono signal.
  ///   - degraded: the signal to judge.
  ///   - sampleRate: of both, in hertz.
  ///   - scorer: keeps PESQ's transforms from one utterance to the next; one per thread.
  public init(
    file: String, reference: [Float], degraded: [Float], sampleRate: Int, scorer: PESQ.Scorer
  ) {
    self.init(file: file)
    var reasons: [String] = []
    do {
      pesqWB = try scorer.wideBand(
        reference: reference, degraded: degraded, sampleRate: sampleRate)
    } catch {
      reasons.append("\(ScoreColumn.pesqWB.rawValue): \(error)")
    }
    do {
      siSDR = try Metrics.siSDR(reference: reference, degraded: degraded)
    } catch {
      reasons.append("\(ScoreColumn.siSDR.rawValue): \(error)")
    }
    error = reasons.isEmpty ? nil : reasons.joined(separator: "; ")
  }

  /// The number of a column.
  public subscript(column: ScoreColumn) -> Double? {
    switch column {
    case .pesqWB: pesqWB
    case .siSDR: siSDR
    }
  }
}
