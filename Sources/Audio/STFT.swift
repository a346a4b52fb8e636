import Foundation
import Platform

/// Reasons for which a signal has no spectrogram.
public enum STFTError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The signal has fewer samples than the reflection of `required - 1` samples at its edges needs.
  case tooShort(sampleCount: Int, required: Int)

  /// One sentence that says what is wrong.
  public var description: String {
    switch self {
    case .tooShort(let count, let required):
      "the signal has \(NumberText.count(count, "sample")); its short-time spectrum needs at least "
        + "\(required)"
    }
  }
}

/// Short-time Fourier transform with the conventions of `torch.stft(center=True)`: periodic Hann
/// window, the signal reflected by half a window at both ends, one-sided, unscaled.
///
/// A spectrogram is frame-major: `[T, F, 2]`, frame after frame, each with its F complex bins as
/// pairs (re, im). An instance owns its FFT plan and work arrays and serves one thread.
public final class STFT {
  /// Length of window and transform, in samples.
  public let fftLength: Int
  /// Hop from one frame to the next, in samples.
  public let hopSamples: Int
  /// Number of one-sided bins of a frame, F.
  public let binCount: Int
  let window: [Float]
  let transform: RealFourierTransform
  private var padded: [Float] = []
  private var windowPower: [Float] = []

  /// Plans the transform.
  public init(fftLength: Int, hopSamples: Int) {
    precondition(
      fftLength > 0 && fftLength % 2 == 0 && hopSamples > 0 && hopSamples <= fftLength / 2,
      "STFT: fftLength \(fftLength), hopSamples \(hopSamples)")
    self.fftLength = fftLength
    self.hopSamples = hopSamples
    binCount = fftLength / 2 + 1
    window = (0..<fftLength).map {
      Float(0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(fftLength)))
    }
    transform = RealFourierTransform(length: fftLength)
  }

  /// Number of frames of a signal of `sampleCount` samples, T.
  public func frameCount(sampleCount: Int) -> Int { 1 + sampleCount / hopSamples }

  /// The spectrogram `[T, F, 2]` of `samples`.
  ///
  /// - Throws: `STFTError.tooShort` below `fftLength / 2 + 1` samples.
  public func forward(_ samples: [Float]) throws(STFTError) -> [Float] {
    let count = frameCount(sampleCount: samples.count) * binCount * 2
    var spectrogram = [Float](repeating: 0, count: count)
    try samples.withUnsafeBufferPointer { source throws(STFTError) in
      try spectrogram.withUnsafeMutableBufferPointer { target throws(STFTError) in
        if let start = target.baseAddress { try forward(source, into: start) }
      }
    }
    return spectrogram
  }

  /// Writes the spectrogram `[T, F, 2]` of `samples` to `spectrogram`, where T is
  /// `frameCount(sampleCount:)`.
  ///
  /// - Throws: `STFTError.tooShort` below `fftLength / 2 + 1` samples.
  public func forward(
    _ samples: UnsafeBufferPointer<Float>, into spectrogram: UnsafeMutablePointer<Float>
  ) throws(STFTError) {
    let margin = fftLength / 2
    let count = samples.count
    guard count > margin else { throw .tooShort(sampleCount: count, required: margin + 1) }
    resize(&padded, to: count + 2 * margin)
    padded.withUnsafeMutableBufferPointer { padded in
      for i in 0..<margin {
        padded[i] = samples[margin - i]
        padded[margin + count + i] = samples[count - 2 - i]
      }
      for i in 0..<count { padded[margin + i] = samples[i] }
      window.withUnsafeBufferPointer { window in
        for frame in 0..<frameCount(sampleCount: count) {
          let start = frame * hopSamples
          for i in 0..<fftLength { transform.time[i] = padded[start + i] * window[i] }
          transform.forward()
          (spectrogram + frame * binCount * 2)
            .update(from: transform.spectrum, count: binCount * 2)
        }
      }
    }
  }

  /// The signal of `sampleCount` samples whose spectrogram is nearest to `spectrogram` `[T, F, 2]`,
  /// as in `torch.istft`: overlap-add divided by the summed squared window.
  ///
  /// The imaginary parts of the first and last bin are ignored. The spectrogram needs at least
  /// `frameCount(sampleCount:)` frames.
  public func inverse(_ spectrogram: [Float], sampleCount: Int) -> [Float] {
    precondition(
      spectrogram.count % (binCount * 2) == 0,
      "STFT.inverse: \(spectrogram.count) numbers are no whole frames of \(binCount) bins")
    return [Float](unsafeUninitializedCapacity: sampleCount) { target, count in
      spectrogram.withUnsafeBufferPointer { source in
        if let start = source.baseAddress {
          inverse(start, frameCount: spectrogram.count / (binCount * 2), into: target)
        }
      }
      count = sampleCount
    }
  }

  /// Fills `samples` from the spectrogram `[frameCount, F, 2]`; see `inverse(_:sampleCount:)`.
  public func inverse(
    _ spectrogram: UnsafePointer<Float>, frameCount: Int,
    into samples: UnsafeMutableBufferPointer<Float>
  ) {
    let margin = fftLength / 2
    let count = samples.count
    precondition(
      frameCount >= self.frameCount(sampleCount: count),
      "STFT.inverse: \(count) samples need \(self.frameCount(sampleCount: count)) frames, "
        + "found \(frameCount)")
    let length = fftLength + hopSamples * (frameCount - 1)
    resize(&padded, to: length)
    resize(&windowPower, to: length)
    padded.withUnsafeMutableBufferPointer { sum in
      windowPower.withUnsafeMutableBufferPointer { power in
        window.withUnsafeBufferPointer { window in
          sum.update(repeating: 0)
          power.update(repeating: 0)
          for frame in 0..<frameCount {
            let bins = transform.spectrum
            bins.update(from: spectrogram + frame * binCount * 2, count: binCount * 2)
            bins[1] = 0
            bins[binCount * 2 - 1] = 0
            transform.inverse()
            let start = frame * hopSamples
            for i in 0..<fftLength {
              sum[start + i] += transform.time[i] * window[i]
              power[start + i] += window[i] * window[i]
            }
          }
        }
        for i in 0..<count { samples[i] = sum[margin + i] / power[margin + i] }
      }
    }
  }

  private func resize(_ array: inout [Float], to count: Int) {
    if array.count != count { array = [Float](repeating: 0, count: count) }
  }
}
