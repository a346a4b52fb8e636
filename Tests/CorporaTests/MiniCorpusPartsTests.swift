import Audio
import Corpora
import Files
import Foundation
import Preparation
import Testing
import TestSupport

private func sine(_ hertz: Double, rate: Int, count: Int, amplitude: Double = 0.5) -> [Float] {
  (0..<count).map { Float(amplitude * sin(2 * Double.pi * hertz * Double($0) / Double(rate))) }
}

private func decibels(_ a: Double, _ b: Double) -> Double { 10 * log10(a / b) }

/// Frame-aligned noise with pauses of digital silence, similar to speech.
private func bursts(_ count: Int, seed: UInt64) -> [Float] {
  noise(count, seed: seed, amplitude: 0.3).enumerated().map { $0 / 3200 % 3 == 2 ? 0 : $1 }
}

@Suite struct SpeechLevelTests {
  @Test func silenceDoesNotCount() {
    let speech = noise(3200)
    let padded = [Float](repeating: 0, count: 6400) + speech + noise(6400, amplitude: 1e-3)
    #expect(SpeechLevel.activePower(padded) == SpeechLevel.activePower(speech))
    #expect(abs(decibels(SpeechLevel.activePower(speech), meanSquare(speech))) < 1e-9)
    #expect(SpeechLevel.activePower([Float](repeating: 0, count: 1000)) == 0)
    #expect(SpeechLevel.activePower([]) == 0)
  }

  @Test func activeRangeHasMarginsAndStaysInside() {
    let silence = [Float](repeating: 0, count: 16_000)
    let range = SpeechLevel.activeRange(silence + noise(3200) + silence)
    #expect(range == 16_000 - 960..<16_000 + 3200 + 1600)
    #expect(SpeechLevel.activeRange(noise(777)) == 0..<777)
    #expect(SpeechLevel.activeRange(silence).isEmpty)
  }
}

@Suite struct MixingTests {
  @Test(arguments: [-5, 0, 2.5, 7.5, 17.5])
  func mixingRatioIsExact(ratio: Double) {
    let clean = bursts(48_000, seed: 5)
    let mixed = Mixing.mix(clean: clean, noise: noise(48_000, seed: 6), decibels: ratio)
    #expect(mixed.clean == clean)
    let added = zip(mixed.noisy, mixed.clean).map { $0 - $1 }
    let measured = decibels(SpeechLevel.activePower(mixed.clean), meanSquare(added))
    #expect(abs(measured - ratio) < 1e-3)
    // The pauses make the plain mean of the speech 1.8 dB smaller than its active level.
    #expect(abs(decibels(meanSquare(clean), meanSquare(added)) - ratio + 1.76) < 0.05)
  }

  @Test func clippingAttenuatesBothSides() {
    let clean = bursts(16_000, seed: 5)
    let mixed = Mixing.mix(clean: clean, noise: noise(16_000, seed: 6), decibels: -20)
    let peak = mixed.noisy.reduce(0) { max($0, abs($1)) }
    #expect(abs(peak - 0.98) < 1e-6)
    let scale = mixed.clean[1] / clean[1]
    #expect(scale < 0.5)
    #expect(relativeError(mixed.clean, clean.map { $0 * scale }) < 1e-6)
    let added = zip(mixed.noisy, mixed.clean).map { $0 - $1 }
    #expect(abs(decibels(SpeechLevel.activePower(mixed.clean), meanSquare(added)) + 20) < 1e-3)
  }
}

@Suite struct UtterancesTests {
  private let silence = [Float](repeating: 0, count: 8000)

  private func prompt(_ seconds: Double, seed: UInt64, amplitude: Float = 0.5) -> [Float] {
    silence + noise(Int(seconds * 16_000) / 320 * 320, seed: seed, amplitude: amplitude) + silence
  }

  @Test func longPromptsStaySingleAndShortOnesAreJoined() throws {
    // Trimming leaves margins of 960 + 1600 samples around each prompt.
    let long = prompt(3, seed: 1)
    let short = (0..<5).map { prompt(0.9, seed: UInt64(10 + $0)) }
    var random = SplitMix64(seed: 4)
    let result = Utterances.assemble([short[0], long] + short[1...], random: &random)
    let shortCount = 14_400 + 2560
    #expect(
      result.map(\.count) == [48_000 + 2560] + [2 * shortCount + 2400, 2 * shortCount + 2400])
    // No prompt is left to join with the fifth short one. Samples between the fades are unchanged.
    #expect(Array(result[0][960..<48_960]) == Array(long[8000..<56_000]))
    for joined in result[1...] {
      #expect(joined[shortCount..<shortCount + 2400].allSatisfy { $0 == 0 })
      let first = Array(joined[960..<15_360])
      #expect(short.contains { Array($0[8000..<22_400]) == first })
    }
    var again = SplitMix64(seed: 4)
    #expect(Utterances.assemble([short[0], long] + short[1...], random: &again) == result)
  }

  @Test func tooLongSilentAndClickingPromptsAreLeftOut() {
    var random = SplitMix64(seed: 1)
    let click = silence + [0.9] + silence
    let bad = [noise(12 * 16_000 + 1), silence + silence, click, []]
    // A click has 20 ms and its margins, and must not count as speech.
    let result = Utterances.assemble(bad + [prompt(2.5, seed: 3)], random: &random)
    #expect(result.count == 1)
  }

  @Test func peaksAreLimitedAndQuietSpeechIsUnchanged() {
    var random = SplitMix64(seed: 1)
    let result = Utterances.assemble(
      [prompt(3, seed: 1, amplitude: 2), prompt(3, seed: 2, amplitude: 0.1)], random: &random)
    let peaks = result.map { $0.reduce(0) { max($0, abs($1)) } }
    #expect(abs(peaks[0] - 0.7) < 1e-6)
    #expect(peaks[1] < 0.1 && peaks[1] > 0.09)
  }

  @Test func edgesAreFaded() {
    var random = SplitMix64(seed: 1)
    let result = Utterances.assemble([noise(40_000)], random: &random)[0]
    #expect(abs(result[0]) < 0.01 && abs(result[39_999]) < 0.01)
    #expect(Array(result[80..<39_920]) == Array(noise(40_000)[80..<39_920]))
  }
}

@Suite struct FilterTests {
  /// Gain of a filter at a frequency in dB, measured after it has settled.
  private func gain(_ hertz: Double, _ filter: ([Float]) -> [Float]) -> Double {
    let input = sine(hertz, rate: 16_000, count: 64_000)
    return decibels(meanSquare(filter(input)[32_000...]), meanSquare(input[32_000...]))
  }

  @Test(arguments: [(60.0, -3.01), (15, -24.1), (120, -0.26), (1000, 0)])
  func highPass(hertz: Double, expected: Double) {
    let measured = gain(hertz) { highPassed($0, cutoffHertz: 60, sampleRate: 16_000) }
    #expect(abs(measured - expected) < 0.1)
  }

  @Test(arguments: [(12.0, -0.04), (120, -3.0), (1200, -20)])
  func onePoleLowPass(hertz: Double, expected: Double) {
    let measured = gain(hertz) { onePoleLowPassed($0, cutoffHertz: 120, sampleRate: 16_000) }
    #expect(abs(measured - expected) < 0.3)
  }
}

/// Whether the libraries that only the preparation of the mini corpus needs are installed.
let corpusLibraries = (try? Resampler(.low)) != nil && (try? G722Decoder()) != nil

@Suite(.enabled(if: corpusLibraries, "needs libsoxr0 and libspandsp2"))
struct DecodingTests {
  @Test(arguments: [22_050, 44_100, 48_000, 16_000, 8000])
  func resamplingKeepsLevelAndTime(rate: Int) throws {
    let source = Waveform(samples: sine(1000, rate: rate, count: rate + 7), sampleRate: rate)
    let result = try Resampler(.low).resample(source, to: 16_000, path: "sine")
    #expect(result.count == ((rate + 7) * 16_000 + rate - 1) / rate)
    let expected = sine(1000, rate: 16_000, count: result.count)
    #expect(relativeError(Array(result[500..<15_500]), Array(expected[500..<15_500])) < 1e-4)
  }

  @Test func resamplingRemovesAliases() throws {
    let source = Waveform(samples: sine(9500, rate: 44_100, count: 44_100), sampleRate: 44_100)
    let result = try Resampler(.low).resample(source, to: 16_000, path: "sine")
    #expect(decibels(meanSquare(result[500..<15_500]), meanSquare(source.samples)) < -80)
  }

  @Test func resamplingAnEmptySignalIsEmpty() throws {
    let empty = Waveform(samples: [], sampleRate: 44_100)
    #expect(try Resampler(.low).resample(empty, to: 16_000, path: "none").isEmpty)
  }

  /// A stream made by the library's own encoder.
  private func encode(_ samples: [Float]) throws -> [UInt8] {
    typealias Initialise = @convention(c) (OpaquePointer?, Int32, Int32) -> OpaquePointer?
    typealias Encode =
      @convention(c) (OpaquePointer, UnsafeMutablePointer<UInt8>, UnsafePointer<Int16>, Int32) ->
      Int32
    let library = try #require(dlopen("libspandsp.so.2", RTLD_NOW))
    let initialise = unsafeBitCast(
      try #require(dlsym(library, "g722_encode_init")), to: Initialise.self)
    let encode = unsafeBitCast(try #require(dlsym(library, "g722_encode")), to: Encode.self)
    let state = try #require(initialise(nil, 64_000, 0))
    var bytes = [UInt8](repeating: 0, count: samples.count)
    let integers = samples.map { Int16($0 * 32_767) }
    let count = encode(state, &bytes, integers, Int32(integers.count))
    return Array(bytes.prefix(Int(count)))
  }

  @Test func telephonePromptsAreDecoded() throws {
    let source = zip(
      sine(440, rate: 16_000, count: 16_000, amplitude: 0.3),
      sine(5200, rate: 16_000, count: 16_000, amplitude: 0.05)
    ).map { $0 + $1 }
    let bytes = try encode(source)
    #expect(bytes.count == 8000)
    let decoded = try G722Decoder().samples(of: bytes, path: "test")
    #expect(decoded.count == 16_000)
    // The filter banks of encoder and decoder delay by some 22 samples.
    let errors = (0...40).map { delay in
      let difference = (2000..<14_000).map { decoded[$0 + delay] - source[$0] }
      return decibels(meanSquare(difference), meanSquare(source))
    }
    #expect((errors.min() ?? 0) < -25)
    #expect(try G722Decoder().samples(of: [], path: "none").isEmpty)
  }
}
