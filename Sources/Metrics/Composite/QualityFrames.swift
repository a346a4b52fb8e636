import Foundation

/// How segmental SNR, LLR and WSS cut 16 kHz signals into frames.
package enum QualityFrames {
  /// Samples of a frame, 30 ms.
  package static let length = 480
  /// Samples from one frame to the next, 7.5 ms.
  package static let hop = 120
  /// The shortest signal with a frame, in samples.
  package static let minimumSampleCount = length + hop
  /// `0.5 (1 − cos(2π n / 481))`, n = 1…480.
  package static let window = (1...length).map {
    0.5 * (1 - cos(2 * .pi * Double($0) / Double(length + 1)))
  }

  /// Number of frames: one less than would fit if the last one fitted exactly.
  package static func count(sampleCount: Int) throws(MetricError) -> Int {
    guard sampleCount >= minimumSampleCount else {
      throw .tooShort(sampleCount: sampleCount, minimum: minimumSampleCount)
    }
    return (sampleCount - length) / hop
  }

  /// Writes the windowed frame to `target`.
  package static func write(
    _ frame: Int, of signal: [Double], to target: UnsafeMutablePointer<Double>
  ) {
    window.withUnsafeBufferPointer { window in
      signal.withUnsafeBufferPointer { signal in
        for n in 0..<length { target[n] = window[n] * signal[frame * hop + n] }
      }
    }
  }

  /// The mean of the lowest of `values`, as many as 95% of `frameCount`, rounded to the nearest
  /// whole number, and from halves to the even one; all of them if there are fewer. Sorts them.
  package static func trimmedMean(_ values: inout [Double], frameCount: Int) -> Double {
    values.sort()
    let count = min(Int((0.95 * Double(frameCount)).rounded(.toNearestOrEven)), values.count)
    var sum = 0.0
    for i in 0..<count { sum += values[i] }
    return sum / Double(count)
  }
}
