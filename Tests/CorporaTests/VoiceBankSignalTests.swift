import Audio
import Corpora
import Foundation
import Preparation
import Testing
import TestSupport

/// Checks the signal from 48 kHz to the 16-bit files at 16 kHz.
@Suite(.enabled(if: hasResampler, "needs libsoxr0"))
struct VoiceBankSignalTests {
  private func sine(_ hertz: Double, rate: Int, count: Int, amplitude: Double = 0.5) -> [Float] {
    (0..<count).map { Float(amplitude * sin(2 * Double.pi * hertz * Double($0) / Double(rate))) }
  }

  /// The prepared samples of a signal that is both sides of the first training pair.
  private func prepared(_ signal: [Float]) throws -> [Float] {
    let corpus = try VoiceBankCorpus(train: 1, test: 1)
    for side in ["clean", "noisy"] {
      try corpus.write(signal, "\(side)_trainset_28spk_wav/p226_000.wav")
    }
    _ = try corpus.prepare()
    let clean = try corpus.samples("clean_trainset_28spk_wav_16k/p226_000.wav")
    #expect(try corpus.samples("noisy_trainset_28spk_wav_16k/p226_000.wav") == clean)
    return clean
  }

  /// Mean power in dB of full scale, without the ends, at which the signal begins and stops.
  private func level(_ samples: [Float]) -> Double {
    let middle = samples.dropFirst(samples.count / 4).dropLast(samples.count / 4)
    return 10 * log10(max(meanSquare(middle), 1e-15))
  }

  @Test(arguments: [50.0, 440, 1000, 4000, 6300, 7200])
  func soundBelowTheEdgeKeepsItsLevel(hertz: Double) throws {
    let source = sine(hertz, rate: 48_000, count: 96_000)
    let result = try prepared(source)
    #expect(abs(level(result) - level(source)) < 0.01)
    // Time is unchanged too: the result is the sine, sampled at a third of the rate.
    let expected = sine(hertz, rate: 16_000, count: 32_000)
    let error = zip(result, expected).map { $0 - $1 }
    #expect(level(error) < -90, "\(level(error)) dB")
  }

  @Test(arguments: [8010.0, 10_000, 15_000, 23_000])
  func soundAboveNyquistIsRemoved(hertz: Double) throws {
    let source = sine(hertz, rate: 48_000, count: 96_000, amplitude: 0.9)
    let result = try prepared(source)
    #expect(level(result) - level(source) < -90, "\(level(result)) dB")
  }

  @Test(arguments: [1, 2, 3, 4, 5, 47_999, 48_000, 48_001])
  func bothSidesHaveAThirdOfTheSamples(count: Int) throws {
    #expect(try prepared(noise(count)).count == (count + 2) / 3)
  }

  @Test(arguments: [48_000, 48_001, 48_002])
  func nothingIsShifted(count: Int) throws {
    let source = noise(count, seed: 9)
    let result = try prepared(source)
    let middle = 2000..<14_000
    let correlations = (-30...30).map { lag in
      middle.reduce(0.0) { $0 + Double(result[$1]) * Double(source[3 * $1 + lag]) }
    }
    let peak = try #require(correlations.indices.max { correlations[$0] < correlations[$1] })
    #expect(peak - 30 == 0)
    // The correlation is symmetric about the peak, as far as random noise allows.
    #expect(abs(correlations[29] / correlations[31] - 1) < 0.1)
  }

  @Test func lastSampleIsFiltered() throws {
    // With 3k + 1 samples the last output lies inside the source, so a constant reaches it.
    let result = try prepared([Float](repeating: 0.5, count: 30_001))
    #expect(result.count == 10_001)
    #expect(result[10_000] > 0.2, "\(result[10_000])")
    #expect(abs(result[5000] - 0.5) < 1e-4)
  }

  @Test func roundingIsToTheNearestAndFullScaleIsCounted() throws {
    // Without dither silence stays silent.
    #expect(try prepared([Float](repeating: 0, count: 4800)).allSatisfy { $0 == 0 })
    // A square wave at full scale overshoots when its harmonics are removed.
    let corpus = try VoiceBankCorpus(train: 1, test: 1)
    let square = (0..<48_000).map { Float($0 / 60 % 2 == 0 ? 0.999 : -0.999) }
    try corpus.write(square, "noisy_trainset_28spk_wav/p226_000.wav")
    try corpus.write(square.map { $0 / 2 }, "clean_trainset_28spk_wav/p226_000.wav")
    let report = try corpus.prepare()
    #expect(report.clipped.files == 1 && report.clipped.samples > 100)
    #expect(report.description.contains("samples of 1 file clamped to full scale"))
    let samples = try corpus.samples("noisy_trainset_28spk_wav_16k/p226_000.wav")
    #expect(samples.max() == 32_767 / 32_768 && samples.min() == -1)
  }

  @Test func flacHoldsTheSameSamples() throws {
    let corpus = try VoiceBankCorpus()
    _ = try corpus.prepare()
    _ = try corpus.prepare(to: "flac", format: .flac)
    for name in ["clean_trainset_28spk_wav_16k/p226_001", "noisy_testset_wav_16k/p232_000"] {
      #expect(
        try corpus.samples("\(name).wav") == corpus.samples("\(name).flac", in: "flac"))
    }
    let info = try WaveFile.info(path: corpus.root.file("flac/noisy_testset_wav_16k/p232_000.flac"))
    #expect(info.sampleRate == 16_000 && info.isPCM16)
  }
}
