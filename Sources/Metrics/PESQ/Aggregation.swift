import Foundation

extension PESQ {
  /// From the disturbances of all frames to one score.
  package struct Aggregate {
    /// The symmetric disturbance of the whole utterance.
    package let symmetric: Double
    /// The asymmetric disturbance of the whole utterance.
    package let asymmetric: Double

    /// The score of P.862, -0.5 to 4.5.
    package var raw: Double { 4.5 - 0.1 * symmetric - 0.0309 * asymmetric }
    /// The score of P.862.2 (MOS-LQO).
    package var score: Double { 0.999 + 4 / (1 + exp(-1.3669 * raw + 3.8224)) }

    /// `comparisons` are normalised by their power already.
    init(_ comparisons: [FrameComparison], frames: FrameRange) {
      let weights = Self.timeWeights(frames: frames)
      func indicator(_ disturbance: (FrameComparison) -> Double) -> Double {
        let powers = comparisons.map { pow(disturbance($0), 6) }
        var sum = 0.0
        var weightSum = 0.0
        for start in stride(from: frames.start, through: frames.stop, by: 10) {
          // A split second counts by its worst moments, also where it is cut short.
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

    /// Beyond 16 s the beginning is partly forgotten.
    private static func timeWeights(frames: FrameRange) -> [Double] {
      guard frames.analysed.count > 1000 else {
        return [Double](repeating: 1, count: frames.analysed.count)
      }
      let count = Double((frames.sampleCount - 2 * Layout.padding) / Layout.hop - 1)
      let forgotten = min(0.5, (count - 1000) / 5500)
      return frames.analysed.map { (1 - forgotten) + forgotten * Double($0) / count }
    }
  }

  /// The largest normalised disturbance of a frame.
  private static let maximumDisturbance = 45.0

  /// Divides disturbances by a measure of the frame's power, and limits them.
  static func normalise(_ comparisons: inout [FrameComparison]) {
    for i in comparisons.indices {
      let scale = pow((comparisons[i].referencePower + 1e5) / 1e7, 0.04)
      comparisons[i].symmetric = min(maximumDisturbance, comparisons[i].symmetric / scale)
      comparisons[i].asymmetric = min(maximumDisturbance, comparisons[i].asymmetric / scale)
    }
  }
}
