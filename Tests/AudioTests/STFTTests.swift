import Audio
import Foundation
import Testing
import TestSupport

@Suite struct STFTTests {
  /// Spectrogram of utterance `index`, converted from PyTorch's frame-last layout `[F, T, 2]` to
  /// `[T, F, 2]`.
  private func frameMajor(_ tensor: (shape: [Int], values: [Float]), _ index: Int) -> [Float] {
    let (bins, frames) = (tensor.shape[1], tensor.shape[2])
    var result = [Float](repeating: 0, count: frames * bins * 2)
    for bin in 0..<bins {
      for frame in 0..<frames {
        for part in 0..<2 {
          result[(frame * bins + bin) * 2 + part] =
            tensor.values[((index * bins + bin) * frames + frame) * 2 + part]
        }
      }
    }
    return result
  }

  /// Compares with PyTorch in float64, from `Fixtures/golden/stft.safetensors` (torch.stft,
  /// torch.istft).
  @Test(arguments: [("a", 0), ("a", 1), ("b", 0)])
  func agreesWithPyTorch(name: String, utterance: Int) throws {
    let golden = try goldenTensors("stft")
    let signals = try #require(golden["in.signal_\(name)"])
    let length = signals.shape[1]
    func row(_ key: String) throws -> [Float] {
      let values = try #require(golden[key]).values
      return Array(values[utterance * length..<(utterance + 1) * length])
    }
    let stft = STFT(fftLength: 512, hopSamples: 128)
    let expected = frameMajor(try #require(golden["stft_\(name)"]), utterance)
    let spectrogram = try stft.forward(try row("in.signal_\(name)"))
    try #require(spectrogram.count == expected.count)
    #expect(relativeError(spectrogram, expected) < 2e-6)

    let back = stft.inverse(spectrogram, sampleCount: length)
    #expect(relativeError(back, try row("istft_of_stft_\(name)")) < 2e-6)

    var arbitrary = frameMajor(try #require(golden["in.M_\(name)"]), utterance)
    let inverted = stft.inverse(arbitrary, sampleCount: length)
    #expect(relativeError(inverted, try row("istft_of_M_\(name)")) < 2e-6)

    // The imaginary parts of the outer bins must be ignored.
    for frame in 0..<arbitrary.count / 514 {
      arbitrary[frame * 514 + 1] += 3
      arbitrary[frame * 514 + 513] -= 7
    }
    #expect(stft.inverse(arbitrary, sampleCount: length) == inverted)
  }

  /// The spectrogram by its definition, in double precision.
  private func naive(_ x: [Float]) -> [Float] {
    let count = x.count
    func reflected(_ i: Int) -> Double {
      Double(x[i < 0 ? -i : i >= count ? 2 * (count - 1) - i : i])
    }
    let cosines = (0..<512).map { cos(2 * Double.pi * Double($0) / 512) }
    var result: [Float] = []
    for frame in 0..<(1 + count / 128) {
      let windowed = (0..<512).map { reflected(frame * 128 + $0 - 256) * (0.5 - 0.5 * cosines[$0]) }
      for bin in 0..<257 {
        var (re, im) = (0.0, 0.0)
        for i in 0..<512 {
          re += windowed[i] * cosines[bin * i % 512]
          im -= windowed[i] * cosines[(bin * i + 384) % 512]
        }
        result += [Float(re), Float(im)]
      }
    }
    return result
  }

  @Test(arguments: [257, 511, 512, 513, 1000, 32_000])
  func agreesWithTheDefinition(sampleCount: Int) throws {
    let signal = noise(sampleCount, seed: UInt64(sampleCount))
    let stft = STFT(fftLength: 512, hopSamples: 128)
    let spectrogram = try stft.forward(signal)
    #expect(stft.frameCount(sampleCount: sampleCount) == 1 + sampleCount / 128)
    #expect(relativeError(spectrogram, naive(signal)) < 2e-6)
    #expect(relativeError(stft.inverse(spectrogram, sampleCount: sampleCount), signal) < 2e-6)
  }

  @Test func twoSecondsAre251Frames() {
    #expect(STFT(fftLength: 512, hopSamples: 128).frameCount(sampleCount: 32_000) == 251)
  }

  @Test func instanceServesSignalsOfAnyLengthInTurn() throws {
    let stft = STFT(fftLength: 512, hopSamples: 128)
    let long = try stft.forward(noise(5000))
    _ = try stft.forward(noise(300))
    _ = stft.inverse([Float](repeating: 1, count: 514 * 3), sampleCount: 256)
    #expect(try stft.forward(noise(5000)) == long)
  }

  @Test(arguments: [0, 1, 256])
  func shortSignalsAreRefused(sampleCount: Int) {
    #expect(throws: STFTError.tooShort(sampleCount: sampleCount, required: 257)) {
      try STFT(fftLength: 512, hopSamples: 128).forward(noise(sampleCount))
    }
  }
}
