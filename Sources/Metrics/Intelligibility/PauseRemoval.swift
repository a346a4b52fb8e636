import Foundation

/// The frames into which STOI divides 10 kHz signals.
package enum SpeechFrames {
  /// Samples of a frame, 25.6 ms.
  package static let length = 256
  /// Samples from one frame to the next.
  package static let hop = 128
  /// Hann window `0.5 (1 − cos(2π (n + 1) / 257))`, n = 0…255.
  package static let window = (0..<length).map {
    0.5 * (1 - cos(2 * .pi * Double($0 + 1) / Double(length + 1)))
  }

  /// Number of frames in a signal: a frame that ends exactly with the signal is not counted, which
  /// is a convention of the usual tool.
  package static func count(sampleCount: Int) -> Int {
    sampleCount > length ? (sampleCount - length + hop - 1) / hop : 0
  }
}

extension SpeechFrames {
  /// Both signals without the frames in which the reference is more than 40 dB below its loudest
  /// frame. The other frames are windowed and overlap-added at the hop.
  package static func withoutPauses(
    _ reference: [Double], _ degraded: [Double]
  ) -> (reference: [Double], degraded: [Double]) {
    let range = 40.0
    let frameCount = count(sampleCount: reference.count)
    let levels = (0..<frameCount).map { frame -> Double in
      var energy = 0.0
      for n in 0..<length {
        let sample = window[n] * reference[frame * hop + n]
        energy += sample * sample
      }
      return 20 * log10(energy.squareRoot() + .ulpOfOne)
    }
    guard let loudest = levels.max() else { return ([], []) }
    let kept = levels.indices.filter { levels[$0] > loudest - range }
    var result = (
      reference: [Double](repeating: 0, count: (kept.count - 1) * hop + length),
      degraded: [Double](repeating: 0, count: (kept.count - 1) * hop + length)
    )
    for (place, frame) in kept.enumerated() {
      for n in 0..<length {
        result.reference[place * hop + n] += window[n] * reference[frame * hop + n]
        result.degraded[place * hop + n] += window[n] * degraded[frame * hop + n]
      }
    }
    return result
  }
}
