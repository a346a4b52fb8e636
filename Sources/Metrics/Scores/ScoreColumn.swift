/// A metric that a score table lists for each utterance. The raw value is the column's header.
///
/// A new metric needs a case here and a line in `UtteranceScorer`; tables and means follow.
public enum ScoreColumn: String, CaseIterable, Codable, Sendable {
  /// Wide-band PESQ (MOS-LQO), about 1.01 to 4.6439.
  case pesqWB = "pesq_wb"
  /// Short-time objective intelligibility, at most 1.
  case stoi
  /// Extended short-time objective intelligibility, at most 1.
  case estoi
  /// Scale-invariant signal-to-distortion ratio in decibels.
  case siSDR = "si_sdr"
  /// Segmental signal-to-noise ratio in decibels, −10 to 35.
  case ssnr
  /// Log-likelihood ratio of linear predictions; 0 is best.
  case llr
  /// Weighted spectral slope distance; 0 is best.
  case wss
  /// Composite measure of signal distortion, 1 to 5.
  case csig
  /// Composite measure of background noise, 1 to 5.
  case cbak
  /// Composite measure of overall quality, 1 to 5.
  case covl

  /// Whether the metric is defined for signals at `sampleRate`, in hertz: SI-SDR at any rate, the
  /// others at 16000 only.
  public func isDefined(sampleRate: Int) -> Bool {
    self == .siSDR || sampleRate == SignalPair.sampleRate
  }

  /// The columns that this one is computed from.
  public var sources: Set<ScoreColumn> {
    switch self {
    case .csig, .covl: [.pesqWB, .llr, .wss]
    case .cbak: [.pesqWB, .wss, .ssnr]
    default: []
    }
  }
}

extension Set<ScoreColumn> {
  /// Every column.
  public static let all = Set(ScoreColumn.allCases)
  /// The columns that validation during training computes: PESQ, where it is defined, and SI-SDR.
  public static let validation: Set = [.pesqWB, .siSDR]

  /// The columns that are defined for signals at `sampleRate`, in hertz.
  public func defined(sampleRate: Int) -> Set<ScoreColumn> {
    filter { $0.isDefined(sampleRate: sampleRate) }
  }

  /// The columns in the order of tables.
  package var ordered: [ScoreColumn] { ScoreColumn.allCases.filter(contains) }
}
