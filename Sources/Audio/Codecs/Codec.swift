import Foundation
import Platform

/// Lossy coding of a mono signal in memory: encoded and decoded through libsndfile, as long as
/// before, and in time with what went in.
///
/// One input gives one output, bit for bit, in every call and on every thread of a machine; Ogg's
/// random serial number is not heard. Other versions of libsndfile, or of the encoders and decoders
/// that it calls, give other samples, and so may another processor, for which they have other code:
/// `fingerprint` shows it.
package struct Codec: Sendable {
  /// A codec of all formats: samples, format, quality from 0 to 1 and sample rate in hertz to
  /// decoded samples, which may lag and be longer.
  package typealias Coded =
    @Sendable ([Float], CodecFormat, Double, Int) throws(CodecError) -> [Float]

  /// The format.
  package let format: CodecFormat
  /// The quality from 0, worst, to 1, best; `CodecFormat` says which setting of the encoder it is.
  package let quality: Double
  /// Sample rate in hertz, which is also that of the encoder and of the decoder.
  package let sampleRate: Int
  private let probe: CodecProbe
  private let coded: Coded

  /// The name and version of the installed libsndfile, `libsndfile-1.2.0`.
  package static var libraryVersion: String { CodedSound.libraryVersion }

  /// The codec of libsndfile.
  static let library: Coded = { (samples, format, quality, rate) throws(CodecError) in
    try CodedSound.throughLibrary(samples, format, quality: quality, sampleRate: rate)
  }

  /// Measured delay of the library in samples, which `roundTrip` takes out: 0 with libsndfile 1.2.0
  /// in all formats, rates and qualities.
  ///
  /// Opus's speech layer, which serves low qualities, moves sounds by up to 0.07 ms more, later or
  /// earlier by rate and content. That is part of the distortion and is left in.
  package var delay: Int { probe.delay }

  /// Library, format, rate and a checksum of a decoded test signal, which tells apart what gives
  /// other samples: `libsndfile-1.2.0 opus 16000 Hz 0123abcd`.
  package var fingerprint: String {
    "\(Self.libraryVersion) \(format.rawValue) \(sampleRate) Hz \(probe.checksum.text)"
  }

  /// A codec of the installed library, whose delay is measured at the first use of a format at a
  /// rate in the process.
  ///
  /// - Throws: `CodecError` if the format has no such rate, the quality is not between 0 and 1, or
  ///   the installed library lacks the format.
  package init(
    format: CodecFormat, quality: Double, sampleRate: Int
  ) throws(CodecError) {
    try Self.check(format, quality: quality, sampleRate: sampleRate)
    self.init(
      format, quality, sampleRate, try CodecProbe.ofLibrary(format, sampleRate: sampleRate),
      Self.library)
  }

  /// A codec that codes through `coded`, whose delay is measured here.
  package init(
    format: CodecFormat, quality: Double, sampleRate: Int, through coded: @escaping Coded
  ) throws(CodecError) {
    try Self.check(format, quality: quality, sampleRate: sampleRate)
    self.init(
      format, quality, sampleRate,
      try CodecProbe(format, sampleRate: sampleRate, through: coded), coded)
  }

  private init(
    _ format: CodecFormat, _ quality: Double, _ sampleRate: Int, _ probe: CodecProbe,
    _ coded: @escaping Coded
  ) {
    self.format = format
    self.quality = quality
    self.sampleRate = sampleRate
    self.probe = probe
    self.coded = coded
  }

  private static func check(
    _ format: CodecFormat, quality: Double, sampleRate: Int
  ) throws(CodecError) {
    guard format.accepts(sampleRate) else { throw .unsupportedRate(format, rate: sampleRate) }
    guard (0...1).contains(quality) else { throw .invalidQuality(format, quality: quality) }
  }

  /// The samples after encoding and decoding, as many as before, with delay 0.
  ///
  /// None of the formats clips, but encoders are made for peaks of 1 (their thresholds of hearing
  /// are levels below it, and Vorbis falls apart at a hundredfold). So a signal with a higher peak
  /// is coded at the largest 1/2, 1/4, 1/8, … of its level that has none above 1, and the result
  /// gets the level back; a power of two rounds nothing.
  ///
  /// - Throws: `CodecError` if a sample is not finite or the library fails.
  package func roundTrip(_ samples: [Float]) throws(CodecError) -> [Float] {
    // An encoder that got nothing writes files without a frame, which no decoder recognises.
    if samples.isEmpty { return [] }
    if let index = samples.firstIndex(where: { !$0.isFinite }) {
      throw .nonFinite(format, index: index)
    }
    let exponent = Self.exponent(of: samples)
    let lead = max(0, -delay)
    let scaled = Self.scaled(samples[...], by: -exponent)
    let decoded = try Self.run(
      coded,
      [Float](repeating: 0, count: lead) + scaled + [Float](repeating: 0, count: max(0, delay)),
      format, quality: quality, sampleRate: sampleRate)
    // A last sample that is not decoded would be a fault of the alignment, so none is made up.
    let result = Self.scaled(
      decoded.dropFirst(lead + delay).prefix(samples.count), by: exponent)
    guard result.count == samples.count else {
      throw failure("\(result.count) of \(samples.count) samples come back")
    }
    guard result.allSatisfy(\.isFinite) else { throw failure("samples are not finite") }
    return result
  }

  /// Runs `coded` in one mode of arithmetic, whatever the thread's own is: with another mode the
  /// same sums may have other bits.
  static func run(
    _ coded: Coded, _ samples: [Float], _ format: CodecFormat, quality: Double, sampleRate: Int
  ) throws(CodecError) -> [Float] {
    let usual = FloatMode.current
    FloatMode.flushDenormals()
    defer { usual.adopt() }
    return try coded(samples, format, quality, sampleRate)
  }

  /// The samples times a power of two.
  private static func scaled(_ samples: ArraySlice<Float>, by exponent: Int) -> [Float] {
    if exponent == 0 { return Array(samples) }
    return samples.map { Float(sign: .plus, exponent: exponent, significand: $0) }
  }

  private func failure(_ reason: String) -> CodecError {
    .failed(format, library: Self.libraryVersion, reason: reason)
  }

  /// The smallest exponent from 0 on with which the samples divided by its power of two are inside
  /// [−1, 1].
  private static func exponent(of samples: [Float]) -> Int {
    let peak = samples.reduce(0) { max($0, $1.magnitude) }
    if peak <= 1 { return 0 }
    return Int(peak.exponent) + (peak.significand > 1 ? 1 : 0)
  }
}

extension CodecFormat {
  /// Whether the format has the sample rate, in hertz.
  package func accepts(_ rate: Int) -> Bool {
    Self.rateRange.contains(rate) && (sampleRates?.contains(rate) ?? true)
  }

  /// Checks that the installed library can code this format at a sample rate in hertz.
  ///
  /// - Throws: `CodecError`, which names the format.
  package func checkAvailability(rate: Int) throws(CodecError) {
    _ = try Codec(format: self, quality: 1, sampleRate: rate)
  }
}
