import Tensor

/// The statistics of the band split's normalisation, accumulated over the parts of a recording.
///
/// They depend on the model only through its band widths. Memory does not depend on the length.
public struct BandStatistics {
  private let widths: [Int]
  private var sums: [Double]
  private var squareSums: [Double]
  private var frameCount = 0

  /// Statistics without any frames, for bands of `widths` bins, low to high.
  public init(widths: [Int]) {
    self.widths = widths
    sums = Array(repeating: 0, count: widths.count)
    squareSums = sums
  }

  /// Adds frames `frames` of a spectrogram X[1, T, F, 2].
  public mutating func add(_ spectrogram: Tensor, frames: Range<Int>) {
    let shape = spectrogram.shape
    let bins = widths.reduce(0, +)
    precondition(
      shape.count == 4 && shape[0] == 1 && shape[2] == bins && shape[3] == 2
        && frames.lowerBound >= 0 && frames.upperBound <= shape[1],
      "BandStatistics: frames \(frames) of \(shape) for \(bins) bins")
    frameCount += frames.count
    for frame in frames {
      var numbers = spectrogram.base + 2 * bins * frame
      for (band, width) in widths.enumerated() {
        // Float sums suffice within a frame's band, which is short; the recording needs double.
        var (sum, squareSum): (Float, Float) = (0, 0)
        for index in 0..<2 * width {
          sum += numbers[index]
          squareSum += numbers[index] * numbers[index]
        }
        sums[band] += Double(sum)
        squareSums[band] += Double(squareSum)
        numbers += 2 * width
      }
    }
  }

  /// The statistics of all frames added so far, one entry per band.
  public var groups: [GroupStatistics] {
    precondition(frameCount > 0, "BandStatistics: no frames")
    return widths.indices.map { band in
      let count = Double(2 * widths[band] * frameCount)
      let mean = sums[band] / count
      let variance = max(0, squareSums[band] / count - mean * mean)
      return GroupStatistics(mean: Float(mean), variance: Float(variance))
    }
  }
}
