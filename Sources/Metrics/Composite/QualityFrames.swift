import Foundation

/// The frames into which segmental SNR, LLR and WSS divide 16 kHz signals.
package enum QualityFrames {
  /// Samples of a frame, 30 ms.
  package static let length = 480
  /// Samples from one frame to the next, 7.5 ms.
  package static let hop = 120
  /// The shortest signal with a frame, in samples.
  package static let minimumSampleCount = length + hop
  /// Hann window `0.5 (1 − cos(2π n / 481))`, n = 1…480.
  package static let window = (1...length).map {
    0.5 * (1 - cos(2 * .pi * Double($0) / Double(length + 1)))
  }

  /// Number of frames in a signal: one less than would fit, which is a convention of the usual
  /// tool.
  ///
  /// - Throws: `MetricError.tooShort` below `minimumSampleCount`.
  package static func count(sampleCount: Int) throws(MetricError) -> Int {
    guard sampleCount >= minimumSampleCount else {
      throw .tooShort(sampleCount: sampleCount, minimum: minimumSampleCount)
    }
    return (sampleCount - length) / hop
  }

  /// Writes frame number `frame` of `signal`, windowed, to `target[480]`.
  package static func write(
    _ frame: Int, of signal: [Double], to target: UnsafeMutablePointer<Double>
  ) {
    window.withUnsafeBufferPointer { window in
      signal.withUnsafeBufferPointer { signal in
        for n in 0..<length { target[n] = window[n] * signal[frame * hop + n] }
      }
    }
  }

  /// Mean of the lowest `round(0.95 frameCount)` of `values`, halves rounded to even, or of all
  /// values if there are fewer. Sorts `values`.
  package static func trimmedMean(_ values: inout [Double], frameCount: Int) -> Double {
    values.sort()
    let count = min(Int((0.95 * Double(frameCount)).rounded(.toNearestOrEven)), values.count)
    var sum = 0.0
    for i in 0..<count { sum += values[i] }
    return sum / Double(count)
  }
}
