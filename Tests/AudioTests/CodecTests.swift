import Audio
import Foundation
import Platform
import Synchronization
import Testing

/// A format at one of its sample rates, in hertz.
struct CodecCase: Sendable, CustomTestStringConvertible {
  let format: CodecFormat
  let rate: Int

  var testDescription: String { "\(format.rawValue) \(rate) Hz" }

  /// The formats that the installed libsndfile has: before 1.1 MP3 is not among them.
  static let formats = CodecFormat.allCases.filter {
    (try? $0.checkAvailability(rate: 16_000)) != nil
  }

  /// All formats at all of their rates.
  static let all = formats.flatMap { format in
    (format.sampleRates ?? [8000, 10_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
      .map { CodecCase(format: format, rate: $0) }
  }

  func codec(quality: Double) throws(CodecError) -> Codec {
    try Codec(format: format, quality: quality, sampleRate: rate)
  }
}

/// Signals that go through codecs.
enum CodecSignal {
  /// A chirp from `low` to `high` hertz, faded in and out, that ends before the signal does.
  static func chirp(
    _ count: Int, rate: Int, from low: Double, to high: Double, peak: Double = 0.5
  ) -> [Float] {
    (0..<count).map { n in
      let time = Double(n) / Double(rate)
      let length = Double(count) / Double(rate)
      let turns = low * time + (high - low) * time * time / (2 * length)
      let fade = max(0, min(1, min(time, length - time) / 0.02))
      return Float(peak * fade * sin(2 * .pi * turns))
    }
  }

  /// A chirp with tones and noise in it, which begins and ends abruptly.
  static func mixture(_ count: Int, rate: Int, peak: Float = 0.7) -> [Float] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    let raw = (0..<count).map { n in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let noise = Double(state >> 40) / Double(1 << 24) - 0.5
      let time = Double(n) / Double(rate)
      return Float(sin(2 * .pi * 310 * time) + 0.5 * sin(2 * .pi * 1370 * time) + 0.3 * noise + 0.1)
    }
    let largest = raw.map(\.magnitude).max() ?? 1
    return raw.map { $0 / largest * peak }
  }

  /// Power of the signal over that of the difference, in dB.
  static func ratio(_ signal: [Float], _ other: [Float]) -> Double {
    var power = 0.0
    var error = 0.0
    for (x, y) in zip(signal, other) {
      power += Double(x) * Double(x)
      error += (Double(y) - Double(x)) * (Double(y) - Double(x))
    }
    return 10 * log10(power / max(error, 1e-30))
  }

  /// The lag with the greatest correlation between −`reach` and `reach`.
  static func lag(_ signal: [Float], _ other: [Float], reach: Int = 1600) -> Int {
    let (x, y) = (signal.map(Double.init), other.map(Double.init))
    var best = (lag: 0, value: -Double.infinity)
    for lag in -reach...reach {
      var sum = 0.0
      for n in max(0, -lag)..<min(x.count, y.count - lag) { sum += x[n] * y[n + lag] }
      if sum > best.value { best = (lag, sum) }
    }
    return best.lag
  }
}

struct CodecTests {
  @Test(.enabled(if: !Codec.libraryVersion.hasPrefix("libsndfile-1.0")))
  func libraryOfToday() {
    #expect(CodecCase.formats == CodecFormat.allCases)
  }

  @Test(arguments: CodecCase.all)
  func chirpComesBackInTime(_ item: CodecCase) throws {
    let count = 8000 + item.rate / 7
    let chirp = CodecSignal.chirp(
      count, rate: item.rate, from: 100, to: 0.35 * Double(item.rate))
    let output = try item.codec(quality: 1).roundTrip(chirp)
    #expect(output.count == count)
    #expect(CodecSignal.lag(chirp, output) == 0)
    let ratio = CodecSignal.ratio(chirp, output)
    #expect(ratio >= 20, "\(ratio) dB")
  }

  @Test(arguments: CodecCase.all, [0, 0.02, 0.1, 0.5])
  func lowQualityMovesNothing(_ item: CodecCase, quality: Double) throws {
    let chirp = CodecSignal.chirp(item.rate / 2, rate: item.rate, from: 200, to: 3000)
    let output = try item.codec(quality: quality).roundTrip(chirp)
    // Opus's speech layer lags by up to 0.08 ms, by amounts that depend on the signal.
    let most = item.format == .opus ? Int((8e-5 * Double(item.rate)).rounded(.up)) : 0
    let lag = CodecSignal.lag(chirp, output, reach: 300)
    #expect(abs(lag) <= most, "\(lag)")
  }

  @Test(arguments: CodecCase.formats)
  func higherQualityIsNearer(_ format: CodecFormat) throws {
    let signal = CodecSignal.mixture(16_000, rate: 16_000)
    // Neighbours may be equal: Opus has enough at a rate of 16 kHz from about 0.5 on.
    let ratios = try [0, 0.3, 1].map { quality in
      let codec = try Codec(format: format, quality: quality, sampleRate: 16_000)
      return CodecSignal.ratio(signal, try codec.roundTrip(signal))
    }
    #expect(ratios == ratios.sorted() && Set(ratios).count == ratios.count, "\(ratios)")
  }

  @Test(
    arguments: CodecCase.all,
    [1, 2, 31, 100, 575, 576, 577, 1000, 1151, 1152, 1153, 2305, 16_000, 32_001])
  func lengthIsKept(_ item: CodecCase, count: Int) throws {
    let signal = CodecSignal.mixture(count, rate: item.rate)
    for quality in [0, 0.4, 1] {
      let output = try item.codec(quality: quality).roundTrip(signal)
      #expect(output.count == count)
      #expect(output.allSatisfy { $0.isFinite && $0.magnitude < 4 })
    }
  }

  @Test(arguments: CodecCase.formats)
  func lengthOfHalfAMinute(_ format: CodecFormat) throws {
    let signal = CodecSignal.chirp(480_001, rate: 16_000, from: 100, to: 5000)
    let output = try Codec(format: format, quality: 1, sampleRate: 16_000).roundTrip(signal)
    #expect(output.count == signal.count)
    // The end, too, is in its place.
    let ratio = CodecSignal.ratio(signal.suffix(16_000), output.suffix(16_000))
    #expect(ratio >= 20, "\(ratio) dB")
  }

  @Test(arguments: CodecCase.formats)
  func nothingComesOfNothing(_ format: CodecFormat) throws {
    let codec = try Codec(format: format, quality: 0.5, sampleRate: 16_000)
    #expect(try codec.roundTrip([]) == [])
    for count in [1, 1000, 32_000] {
      let output = try codec.roundTrip([Float](repeating: 0, count: count))
      #expect(output.count == count)
      #expect(output.allSatisfy { $0.magnitude < 1e-4 }, "\(output.map(\.magnitude).max() ?? 0)")
    }
  }

  @Test(arguments: CodecCase.all)
  func peaksAboveOneAreNotClipped(_ item: CodecCase) throws {
    let codec = try item.codec(quality: 1)
    let chirp = CodecSignal.chirp(
      8000, rate: item.rate, from: 100, to: 0.35 * Double(item.rate), peak: 2)
    #expect(CodecSignal.ratio(chirp, try codec.roundTrip(chirp)) >= 20)
    // Powers of two round nothing, so a level of a power of two changes no bit.
    let full = CodecSignal.mixture(8000, rate: item.rate, peak: 1)
    let output = try codec.roundTrip(full)
    for level: Float in [2, 128, 0x1p100] {
      let loud = try codec.roundTrip(full.map { $0 * level })
      #expect(loud == output.map { $0 * level })
    }
    // A peak of exactly 1 is as it is, the next number above is halved.
    let above = try codec.roundTrip(full.map { $0 * Float(1).nextUp })
    #expect(CodecSignal.ratio(output, above) > 15)
  }

  @Test func oneInputGivesOneOutputOnAllThreads() throws {
    let codecs = try CodecCase.formats.flatMap { format in
      try [0.02, 0.5, 1].map { try Codec(format: format, quality: $0, sampleRate: 16_000) }
    }
    let input = CodecSignal.mixture(26_000, rate: 16_000)
    let expected = try codecs.map { try $0.roundTrip(input) }
    for (codec, output) in zip(codecs, expected) { #expect(try codec.roundTrip(input) == output) }
    let outputs = Mutex<[(Int, [Float])]>([])
    let group = DispatchGroup()
    for thread in 0..<4 {
      group.enter()
      startThread {
        for turn in codecs.indices {
          let index = (turn + 2 * thread) % codecs.count
          let output = (try? codecs[index].roundTrip(input)) ?? []
          outputs.withLock { $0.append((index, output)) }
        }
        group.leave()
      }
    }
    group.wait()
    let all = outputs.withLock { $0 }
    #expect(all.count == 4 * codecs.count)
    #expect(all.allSatisfy { $0.1 == expected[$0.0] })
  }

  /// Denormals are cut off or not, by thread: the main one of the program cuts them off.
  @Test func arithmeticIsThatOfNoThread() throws {
    let seen = Mutex<[FloatMode]>([])
    let usual = FloatMode.current
    defer { usual.adopt() }
    for _ in 0..<2 {
      let mode = FloatMode.current
      let codec = try Codec(format: .vorbis, quality: 1, sampleRate: 16_000) {
        (samples, format, quality, rate) throws(CodecError) in
        seen.withLock { $0.append(.current) }
        return samples
      }
      #expect(try codec.roundTrip([0.5, 0.25]) == [0.5, 0.25])
      #expect(FloatMode.current == mode)
      FloatMode.flushDenormals()
    }
    let modes = seen.withLock { $0 }
    #expect(modes.count == 4 && Set(modes.map { "\($0)" }).count == 1, "\(modes)")
  }
}
