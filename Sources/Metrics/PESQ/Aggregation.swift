import Foundation

extension PESQ {
  /// The disturbance of a whole utterance, aggregated from its frames, and its score.
  ///
  /// Source: P.862, 10.2: aggregation over split-second intervals and over the utterance.
  package struct Aggregate {
    /// The symmetric disturbance of the whole utterance.
    package let symmetric: Double
    /// The asymmetric disturbance of the whole utterance.
    package let asymmetric: Double

    /// The score of P.862, -0.5 to 4.5: its linear combination of the two disturbances.
    package var raw: Double { 4.5 - 0.1 * symmetric - 0.0309 * asymmetric }
    /// The score of P.862.2 (MOS-LQO): its logistic mapping of the raw score.
    package var score: Double { 0.999 + 4 / (1 + exp(-1.3669 * raw + 3.8224)) }

    /// Aggregates disturbances that `normalise` has already divided by the power of their frames.
    init(_ comparisons: [FrameComparison], frames: FrameRange) {
      let weights = Self.timeWeights(frames: frames)
      func indicator(_ disturbance: (FrameComparison) -> Double) -> Double {
        // Split seconds are 20 frames (320 ms) long, every 10 frames, and use the norm of order 6:
        // a split second counts by its worst moments, also where the end cuts it short.
        let powers = comparisons.map { pow(disturbance($0), 6) }
        var sum = 0.0
        var weightSum = 0.0
        for start in stride(from: frames.start, through: frames.stop, by: 10) {
          let window = powers[start...min(start + 19, frames.stop)]
          let value = pow(window.reduce(0, +) / 20, 1.0 / 6)
          let weight = weights[start - frames.start]
          sum += (weight * value) * (weight * value)
          weightSum += weight * weight
        }
        return (sum / weightSum).squareRoot()
      }
      symmetric = indicator(\.symmetric)
      asymmetric = indicator(\.asymmetric)
    }

    /// Weights of the frames over time. In signals longer than 1000 frames (16 s) the beginning is
    /// partly forgotten: weights rise from `1 − forgotten` to 1, where `forgotten` grows with the
    /// length up to 0.5 at 3750 frames (60 s).
    private static func timeWeights(frames: FrameRange) -> [Double] {
      guard frames.analysed.count > 1000 else {
        return [Double](repeating: 1, count: frames.analysed.count)
      }
      let count = Double((frames.sampleCount - 2 * Layout.padding) / Layout.hop - 1)
      let forgotten = min(0.5, (count - 1000) / 5500)
      return frames.analysed.map { (1 - forgotten) + forgotten * Double($0) / count }
    }
  }

  /// Upper limit of the normalised disturbances of a frame (P.862, 10.2).
  private static let maximumDisturbance = 45.0

  /// Divides disturbances by `((power + 1e5) / 1e7)^0.04` of their frame, since soft frames count
  /// more, and limits them (P.862, 10.2: emphasis on soft parts of the original).
  static func normalise(_ comparisons: inout [FrameComparison]) {
    for i in comparisons.indices {
      let scale = pow((comparisons[i].referencePower + 1e5) / 1e7, 0.04)
      comparisons[i].symmetric = min(maximumDisturbance, comparisons[i].symmetric / scale)
      comparisons[i].asymmetric = min(maximumDisturbance, comparisons[i].asymmetric / scale)
    }
  }
}
