import Foundation

/// The detection of speech in a recording by the level of 20 ms frames: frames within 35 dB of the
/// loudest frame are active.
package enum SpeechLevel {
  static let frameSamples = 320
  static let activeRange = 35.0

  /// Mean square of the active frames, the level that signal-to-noise ratios refer to, similar to
  /// ITU-T P.56; zero for silence.
  package static func activePower(_ samples: [Float]) -> Double {
    activePower(ofFrames: framePowers(samples))
  }

  /// Mean square of the active frames of `frameSamples` samples, of which the last may be short;
  /// zero for silence.
  package static func activePower(
    _ samples: UnsafeBufferPointer<Double>, frameSamples: Int
  ) -> Double {
    precondition(frameSamples > 0, "SpeechLevel.activePower: frames of \(frameSamples) samples")
    return activePower(
      ofFrames: stride(from: 0, to: samples.count, by: frameSamples).map { start in
        let end = min(start + frameSamples, samples.count)
        return meanSquare(UnsafeBufferPointer(rebasing: samples[start..<end]))
      })
  }

  private static func activePower(ofFrames powers: [Double]) -> Double {
    let threshold = (powers.max() ?? 0) * pow(10, -activeRange / 10)
    let active = powers.filter { $0 > 0 && $0 >= threshold }
    return active.isEmpty ? 0 : active.reduce(0, +) / Double(active.count)
  }

  /// Range of the samples from 60 ms before the first to 100 ms after the last active frame; empty
  /// for silence.
  package static func activeRange(_ samples: [Float]) -> Range<Int> {
    let powers = framePowers(samples)
    let threshold = (powers.max() ?? 0) * pow(10, -activeRange / 10)
    guard let first = powers.firstIndex(where: { $0 > 0 && $0 >= threshold }),
      let last = powers.lastIndex(where: { $0 > 0 && $0 >= threshold })
    else { return 0..<0 }
    return max(0, (first - 3) * frameSamples)..<min(samples.count, (last + 6) * frameSamples)
  }

  /// Mean square of each frame; the last frame may be short.
  private static func framePowers(_ samples: [Float]) -> [Double] {
    stride(from: 0, to: samples.count, by: frameSamples).map { start in
      meanSquare(samples[start..<min(start + frameSamples, samples.count)])
    }
  }
}

/// Mean square of the samples; zero without samples.
package func meanSquare(_ samples: some Collection<Float>) -> Double {
  if samples.isEmpty { return 0 }
  return samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(samples.count)
}

/// Mean square of samples in double precision; zero without samples.
package func meanSquare(_ samples: UnsafeBufferPointer<Double>) -> Double {
  if samples.isEmpty { return 0 }
  var sum = 0.0
  for sample in samples { sum += sample * sample }
  return sum / Double(samples.count)
}
