/// Results of the training of an epoch: the figures of its line besides the scores.
public struct EpochFigures: Codable, Equatable, Sendable {
  /// Mean loss over its items; nil if every step was skipped.
  public var trainingLoss: Double?
  /// Learning rate of its last step.
  public var learningRate: Double
  /// Wall-clock duration without validation.
  public var seconds: Double
  /// Part of `seconds` in which steps were done.
  public var stepSeconds: Double
  /// Seconds of audio in these steps, over all ranks.
  public var audioSeconds: Double
  /// Seconds that the steps waited for it, of the rank that waited longest.
  public var dataSeconds: Double

  /// Figures of one epoch; all times are in seconds.
  public init(
    trainingLoss: Double?, learningRate: Double, seconds: Double, stepSeconds: Double,
    audioSeconds: Double, dataSeconds: Double
  ) {
    self.trainingLoss = trainingLoss
    self.learningRate = learningRate
    self.seconds = seconds
    self.stepSeconds = stepSeconds
    self.audioSeconds = audioSeconds
    self.dataSeconds = dataSeconds
  }

  /// Seconds of audio trained a second.
  package var audioRate: Double { stepSeconds > 0 ? audioSeconds / stepSeconds : 0 }
  /// How its steps waited for audio.
  package var dataWait: DataWait { DataWait(seconds: dataSeconds, trainingSeconds: stepSeconds) }
}
