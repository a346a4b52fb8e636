import Audio
import Foundation

extension PESQ {
  /// Fourier transforms and windows, reused from one utterance to the next by one thread at a time.
  final class Workspace {
    /// Periodic Hann window of the fine delay search.
    let fineWindow = hann(Layout.fineWindow)
    /// Periodic Hann window of the perceptual model.
    let frameWindow = hann(Layout.frame)
    private var transforms: [Int: RealFourierTransform] = [:]
    private var scratch: [Float] = []

    /// The transform of `length` real samples, planned on first use.
    func transform(length: Int) -> RealFourierTransform {
      if let known = transforms[length] { return known }
      let new = RealFourierTransform(length: length)
      transforms[length] = new
      return new
    }

    /// Circular cross-correlation of the two signals that `first` and `second` write into a buffer
    /// of `length` zeros: the returned transform's `time[k]` is the sum of `first[i] second[i + k]`
    /// with the index taken modulo `length`. The result is valid until the transform's next use.
    func crossCorrelate(
      length: Int,
      first: (UnsafeMutablePointer<Float>) -> Void,
      second: (UnsafeMutablePointer<Float>) -> Void
    ) -> RealFourierTransform {
      let transform = transform(length: length)
      if scratch.count < 2 * transform.binCount {
        scratch = [Float](repeating: 0, count: 2 * transform.binCount)
      }
      scratch.withUnsafeMutableBufferPointer { kept in
        transform.time.update(repeating: 0, count: length)
        first(transform.time)
        transform.forward()
        for k in 0..<2 * transform.binCount { kept[k] = transform.spectrum[k] }

        transform.time.update(repeating: 0, count: length)
        second(transform.time)
        transform.forward()
        multiply(transform.spectrum, byConjugateOf: kept, bins: transform.binCount)
        transform.inverse()
      }
      return transform
    }
  }

  /// Multiplies `spectrum` by the complex conjugate of `other`; bins are pairs (re, im).
  static func multiply(
    _ spectrum: UnsafeMutablePointer<Float>, byConjugateOf other: UnsafeMutableBufferPointer<Float>,
    bins: Int
  ) {
    for k in 0..<bins {
      let (re, im) = (spectrum[2 * k], spectrum[2 * k + 1])
      let (otherRe, otherIm) = (other[2 * k], other[2 * k + 1])
      spectrum[2 * k] = re * otherRe + im * otherIm
      spectrum[2 * k + 1] = im * otherRe - re * otherIm
    }
  }

  /// Periodic Hann window, `0.5 (1 - cos(2 pi n / count))`.
  private static func hann(_ count: Int) -> [Float] {
    (0..<count).map { Float(0.5 * (1 - cos(2 * .pi * Double($0) / Double(count)))) }
  }

  /// Smallest power of two that is at least `count`.
  static func powerOfTwo(atLeast count: Int) -> Int {
    count <= 1 ? 1 : 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
  }
}
