/// What scoring one utterance gave.
public struct UtteranceScore: Equatable, Codable, Sendable {
  /// The utterance's file name.
  public let file: String
  /// Why a number is missing, or nil where all that were asked for are there.
  public var error: String?
  /// Frames of digital silence that the LLR leaves out.
  public var llrFramesLeftOut = 0
  private var values: [ScoreColumn: Double]

  /// Collects numbers that are known already.
  public init(file: String, values: [ScoreColumn: Double] = [:], error: String? = nil) {
    self.file = file
    self.values = values
    self.error = error
  }

  /// Wide-band PESQ (MOS-LQO), or nil where it is undefined.
  public var pesqWB: Double? { self[.pesqWB] }
  /// SI-SDR in decibels, possibly infinite, or nil where it is undefined.
  public var siSDR: Double? { self[.siSDR] }

  /// The number of a column; nil where it is undefined or was not asked for.
  public subscript(column: ScoreColumn) -> Double? {
    get { values[column] }
    set { values[column] = newValue }
  }
}
