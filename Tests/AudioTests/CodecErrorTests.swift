import Audio
import Foundation
import Testing

/// Faults of codecs, and libraries other than the installed one.
struct CodecErrorTests {
  /// A Vorbis codec at 16 kHz whose output is changed by `change`.
  private func codec(_ change: @escaping @Sendable ([Float]) -> [Float]) throws -> Codec {
    try Codec(format: .vorbis, quality: 1, sampleRate: 16_000) {
      (samples, format, quality, rate) throws(CodecError) in
      change(
        try CodedSound.throughLibrary(samples, format, quality: quality, sampleRate: rate))
    }
  }

  private let chirp = CodecSignal.chirp(12_001, rate: 16_000, from: 100, to: 5000)

  /// 1105 samples are LAME's and the decoder's delay, without the tag that says so.
  @Test(arguments: [0, 1, 312, 1105, 4096])
  func delayIsMeasuredAndTakenOut(_ delay: Int) throws {
    let late = try codec { [Float](repeating: 0, count: delay) + $0 }
    #expect(late.delay == delay)
    let cut = try codec { [Float](repeating: 0, count: delay) + $0.dropLast(delay) }
    #expect(cut.delay == delay)
    let early = try codec { Array($0.dropFirst(delay)) + [Float](repeating: 0, count: delay) }
    #expect(early.delay == -delay)
    for codec in [late, cut, early] {
      let output = try codec.roundTrip(chirp)
      #expect(output.count == chirp.count)
      #expect(CodecSignal.lag(chirp, output) == 0)
      #expect(CodecSignal.ratio(chirp, output) >= 20)
    }
  }

  @Test func faultsOfTheLibraryAreErrors() throws {
    func reason(_ body: () throws -> Void) throws -> String {
      let error = #expect(throws: CodecError.self) { try body() }
      guard case .failed(.vorbis, Codec.libraryVersion, let reason) = try #require(error) else {
        Issue.record("\(String(describing: error))")
        return ""
      }
      return reason
    }
    let silent = try reason { _ = try codec { $0.map { _ in 0 } } }
    #expect(silent == "a test signal comes back as another")
    let far = try reason { _ = try codec { [Float](repeating: 0, count: 9000) + $0 } }
    #expect(far == "a test signal comes back as another")
    let short = try reason {
      _ = try codec { $0.count == 12_001 ? $0.dropLast() : $0 }.roundTrip(chirp)
    }
    #expect(short == "12000 of 12001 samples come back")
    let odd = try reason {
      _ = try codec { $0.count == 12_001 ? $0.dropLast() + [.nan] : $0 }.roundTrip(chirp)
    }
    #expect(odd == "samples are not finite")
  }

  @Test func missingCodecNamesTheFormat() throws {
    // libsndfile knows the container and refuses to write this encoding in it, as a version
    // without the format does.
    let refused = [CodecFormat.vorbis: 0x20_0000 | 0x03, .opus: 0x20_0000 | 0x03, .mp3: 0x23_0080]
    for format in CodecFormat.allCases {
      let error = #expect(throws: CodecError.self) {
        _ = try Codec(format: format, quality: 1, sampleRate: 16_000) {
          (samples, format, quality, rate) throws(CodecError) in
          try CodedSound.throughLibrary(
            samples, format, quality: quality, sampleRate: rate, code: refused[format])
        }
      }
      guard case .unavailable(format, Codec.libraryVersion, let reason) = try #require(error) else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(!reason.isEmpty)
      let text = try #require(error).description
      #expect(text.hasPrefix("\(format.rawValue): \(Codec.libraryVersion) cannot encode it ("))
      #expect(text.hasSuffix("or leave \(format.rawValue) out"))
    }
  }

  @Test func impossibleRateNamesTheOthers() throws {
    for rate in [11_025, 22_050, 32_000, 44_100, 96_000] {
      #expect(throws: CodecError.unsupportedRate(.opus, rate: rate)) {
        _ = try Codec(format: .opus, quality: 1, sampleRate: rate)
      }
      #expect(throws: CodecError.unsupportedRate(.opus, rate: rate)) {
        try CodecFormat.opus.checkAvailability(rate: rate)
      }
    }
    #expect(throws: CodecError.unsupportedRate(.mp3, rate: 10_000)) {
      _ = try Codec(format: .mp3, quality: 1, sampleRate: 10_000)
    }
    #expect(throws: CodecError.unsupportedRate(.vorbis, rate: 7999)) {
      _ = try Codec(format: .vorbis, quality: 1, sampleRate: 7999)
    }
    #expect(
      "\(CodecError.unsupportedRate(.opus, rate: 44_100))"
        == "opus: no sample rate of 44100 Hz; use 8000, 12000, 16000, 24000 or 48000 Hz, or leave "
        + "opus out")
    #expect(
      "\(CodecError.unsupportedRate(.vorbis, rate: 96_000))"
        == "vorbis: no sample rate of 96000 Hz; use 8000 to 48000 Hz, or leave vorbis out")
  }

  @Test(arguments: CodecCase.formats)
  func valuesThatDoNotExist(_ format: CodecFormat) throws {
    for quality in [-0.1, 1.01, .infinity] {
      #expect(throws: CodecError.invalidQuality(format, quality: quality)) {
        _ = try Codec(format: format, quality: quality, sampleRate: 16_000)
      }
    }
    #expect(throws: CodecError.self) {
      _ = try Codec(format: format, quality: .nan, sampleRate: 16_000)
    }
    let codec = try Codec(format: format, quality: 0.5, sampleRate: 16_000)
    for value: Float in [.nan, .infinity, -.infinity] {
      var signal = chirp
      signal[777] = value
      #expect(throws: CodecError.nonFinite(format, index: 777)) { try codec.roundTrip(signal) }
    }
  }

  @Test func fingerprintTellsLibrariesApart() throws {
    let codecs = try CodecCase.all.map { try $0.codec(quality: 0.3) }
    #expect(Set(codecs.map(\.fingerprint)).count == codecs.count)
    for codec in codecs {
      #expect(codec.fingerprint.hasPrefix("\(Codec.libraryVersion) \(codec.format.rawValue) "))
      let again = try Codec(
        format: codec.format, quality: 1, sampleRate: codec.sampleRate
      ) { (samples, format, quality, rate) throws(CodecError) in
        try CodedSound.throughLibrary(samples, format, quality: quality, sampleRate: rate)
      }
      #expect(again.fingerprint == codec.fingerprint)
    }
    let same = try codec { $0 }
    let other = try codec { $0.map { $0 * Float(1).nextUp } }
    #expect(other.fingerprint != same.fingerprint)
    #expect(Codec.libraryVersion.hasPrefix("libsndfile-"))
  }
}
