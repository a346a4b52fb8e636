import Audio
import Files
import Foundation
import Testing

/// Transforms and levels in double precision.
@Suite struct DoublePrecisionTests {
  private func samples(_ count: Int) -> [Double] {
    var random = SplitMix64(seed: UInt64(count))
    return (0..<count).map { _ in random.uniform() - 0.5 }
  }

  @Test(arguments: [1, 2, 3, 16, 45, 128]) func transformIsTheSum(length: Int) {
    let signal = samples(length)
    let transform = DoubleFourierTransform(length: length)
    for (index, sample) in signal.enumerated() { transform.time[index] = sample }
    transform.forward()
    #expect(transform.binCount == length / 2 + 1)
    for k in 0..<transform.binCount {
      var (re, im) = (0.0, 0.0)
      for (index, sample) in signal.enumerated() {
        let angle = -2 * Double.pi * Double(k * index % length) / Double(length)
        re += sample * cos(angle)
        im += sample * sin(angle)
      }
      #expect(abs(transform.spectrum[2 * k] - re) < 1e-13)
      #expect(abs(transform.spectrum[2 * k + 1] - im) < 1e-13)
    }
    #expect((0..<length).allSatisfy { transform.time[$0] == signal[$0] })
    transform.inverse()
    for (index, sample) in signal.enumerated() {
      #expect(abs(transform.time[index] - Double(length) * sample) < 1e-13 * Double(length))
    }
  }

  @Test(arguments: [0, 1, 319, 320, 321, 5000]) func levelIsThatOfFloats(count: Int) {
    // Values that are floats: both computations see the same numbers.
    let floats = samples(count).map { Float($0) }.enumerated().map { index, sample in
      index / 320 % 3 == 1 ? sample * 1e-4 : sample
    }
    let own = floats.map { Double($0) }.withUnsafeBufferPointer {
      (SpeechLevel.activePower($0, frameSamples: 320), meanSquare($0))
    }
    #expect(own == (SpeechLevel.activePower(floats), meanSquare(floats)))
  }

  @Test func framesFollowTheRate() {
    // One loud frame of 441 samples, the rest below it by more than 35 dB.
    let signal = (0..<4410).map { $0 < 441 ? 0.5 : 0.001 }
    let power = signal.withUnsafeBufferPointer { SpeechLevel.activePower($0, frameSamples: 441) }
    #expect(abs(power - 0.25) < 1e-15)
  }
}
