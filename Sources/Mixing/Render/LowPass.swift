import Foundation

/// The low-pass that limits the band of a mixture to that of a lower sampling rate: a sinc under a
/// squared cosine, of zero phase.
enum LowPass {
  /// The filter's coefficients for k = −W … W, ∝ sinc(2·f·k)·cos²(πk/(2W + 2)), with the sum 1;
  /// f = rolloff·rate/(2·sampleRate), W = ⌈zeroCrossings/(2f)⌉.
  static func coefficients(
    rate: Int, rolloff: Double, zeroCrossings: Int, sampleRate: Int
  ) -> [Double] {
    let frequency = rolloff * Double(rate) / (2 * Double(sampleRate))
    let width = Int((Double(zeroCrossings) / (2 * frequency)).rounded(.up))
    var half = [1.0]
    half.reserveCapacity(width + 1)
    for k in stride(from: 1, through: width, by: 1) {
      let window = cos(.pi * Double(k) / Double(2 * width + 2))
      half.append(sinc(2 * frequency * Double(k)) * window * window)
    }
    let sum = half[0] + 2 * half.dropFirst().reduce(0, +)
    let right = half.map { $0 / sum }
    return right.dropFirst().reversed() + right
  }
}

/// sin(πx)/(πx).
func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }

extension FastConvolution {
  /// Sets `output` to the convolution of `samples`, zero outside, with a filter of an odd number of
  /// coefficients around its middle one. They may be the same memory.
  func filter(
    _ samples: UnsafeBufferPointer<Double>, with coefficients: [Double],
    into output: UnsafeMutableBufferPointer<Double>
  ) {
    let width = coefficients.count / 2
    load(samples, samples: max(samples.count + width, coefficients.count))
    coefficients.withUnsafeBufferPointer { convolve($0, from: width, into: output) }
  }
}
