/// Mean and variance for a GroupNorm, taken elsewhere than from its own input.
///
/// A piece of a recording is normalised as the whole would be if it is given the whole's.
public struct GroupStatistics: Equatable, Sendable {
  /// Mean over features and frames.
  public let mean: Float
  /// Biased variance over features and frames.
  public let variance: Float

  /// Statistics of a whole recording, for its pieces.
  public init(mean: Float, variance: Float) {
    self.mean = mean
    self.variance = variance
  }
}
