/// The scores of one utterance.
public struct UtteranceScore: Equatable, Codable, Sendable {
  /// The utterance's file name.
  public let file: String
  /// Reason for which a requested score is missing; nil where none is missing.
  public var error: String?
  /// Number of frames of digital silence that the LLR leaves out.
  public var llrFramesLeftOut = 0
  private var values: [ScoreColumn: Double]

  /// Scores of the file in the units of their columns, or the reason why some are missing.
  public init(file: String, values: [ScoreColumn: Double] = [:], error: String? = nil) {
    self.file = file
    self.values = values
    self.error = error
  }

  /// Wide-band PESQ (MOS-LQO), or nil where it is undefined.
  public var pesqWB: Double? { self[.pesqWB] }
  /// SI-SDR in decibels, possibly infinite, or nil where it is undefined.
  public var siSDR: Double? { self[.siSDR] }

  /// The score in a column; nil where it is undefined or was not requested.
  public subscript(column: ScoreColumn) -> Double? {
    get { values[column] }
    set { values[column] = newValue }
  }
}
