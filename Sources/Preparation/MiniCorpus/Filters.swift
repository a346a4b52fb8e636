import Foundation

/// Second-order Butterworth high-pass, which removes rumble below `cutoffHertz`. The bilinear
/// transform is prewarped, so that the corner frequency is exact.
package func highPassed(
  _ samples: [Float], cutoffHertz: Double, sampleRate: Int
) -> [Float] {
  let k = tan(Double.pi * cutoffHertz / Double(sampleRate))
  let norm = 1 / (1 + 2.0.squareRoot() * k + k * k)
  let (a1, a2) = (2 * (k * k - 1) * norm, (1 - 2.0.squareRoot() * k + k * k) * norm)
  var (x1, x2, y1, y2) = (0.0, 0.0, 0.0, 0.0)
  return samples.map { sample in
    let x = Double(sample)
    let y = norm * (x - 2 * x1 + x2) - a1 * y1 - a2 * y2
    (x2, x1, y2, y1) = (x1, x, y1, y)
    return Float(y)
  }
}

/// One-pole low-pass, 6 dB an octave above `cutoffHertz`, gain 1 at 0 Hz.
package func onePoleLowPassed(
  _ samples: [Float], cutoffHertz: Double, sampleRate: Int
) -> [Float] {
  let weight = 1 - exp(-2 * Double.pi * cutoffHertz / Double(sampleRate))
  var state = 0.0
  return samples.map {
    state += weight * (Double($0) - state)
    return Float(state)
  }
}
