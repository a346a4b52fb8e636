import Files
import Foundation

/// The facts in an audio file's header.
public struct WaveInfo: Sendable, Equatable {
  /// Number of samples per channel.
  public var sampleCount: Int
  /// Samples per second, in hertz.
  public var sampleRate: Int
  /// Number of channels, 1 for mono.
  public var channelCount: Int
  /// Whether the samples are 16-bit integers.
  public var isPCM16: Bool
}

/// Mono samples and their rate.
public struct Waveform: Sendable, Equatable {
  /// The samples; full scale is ±1.
  public var samples: [Float]
  /// Samples per second, in hertz.
  public var sampleRate: Int

  /// A waveform of the given samples and rate.
  public init(samples: [Float], sampleRate: Int) {
    self.samples = samples
    self.sampleRate = sampleRate
  }
}

extension WaveInfo {
  /// Checks that the file, which errors call `path`, has the rate `sampleRate`, in hertz.
  ///
  /// - Throws: `WaveFileError.wrongSampleRate`.
  public func require(sampleRate: Int, path: String) throws(WaveFileError) {
    if sampleRate != self.sampleRate {
      throw .wrongSampleRate(path: path, expected: sampleRate, found: self.sampleRate)
    }
  }
}

/// Reads WAV, FLAC, AIFF, AU, CAF, W64, NIST SPHERE and Ogg files through libsndfile, and writes
/// WAV and FLAC. 16-bit samples are divided by 32,768.
///
/// A file that holds fewer samples than its header promises is refused, and so is one whose samples
/// cannot be decoded. If the header says no length, as of a file that was written into a pipe, the
/// samples reach to the end of the file. Files with more than one channel are refused, because the
/// choice of the channel is the caller's.
public enum WaveFile {
  /// The header of a file with any rate and number of channels.
  ///
  /// - Throws: `WaveFileError` if the file cannot be read or has no samples.
  public static func info(path: String) throws(WaveFileError) -> WaveInfo {
    try WaveReader(path: path).info
  }

  /// The header of a mono file whose last sample can be read; it must have the rate `sampleRate`,
  /// in hertz, unless that is nil.
  ///
  /// Reading the end detects a truncated FLAC file, whose header is intact; a damaged frame before
  /// the end shows only when all samples are read.
  ///
  /// - Throws: `WaveFileError` if the file cannot be read, is not mono or has another rate.
  public static func inspect(
    path: String, sampleRate: Int? = nil
  ) throws(WaveFileError) -> WaveInfo {
    let reader = try WaveReader(path: path)
    try reader.requireMono(sampleRate: sampleRate)
    _ = try reader.read(reader.info.sampleCount - 1..<reader.info.sampleCount)
    return reader.info
  }

  /// All samples of a mono file, which must have the rate `sampleRate`, in hertz, unless that is
  /// nil.
  ///
  /// - Throws: `WaveFileError` if the file cannot be read, is not mono, has another rate, or has
  ///   samples that are not finite and not accepted (`acceptsNonFinite`).
  public static func read(
    path: String, sampleRate: Int? = nil, acceptsNonFinite: Bool = false
  ) throws(WaveFileError) -> Waveform {
    let reader = try WaveReader(path: path)
    try reader.requireMono(sampleRate: sampleRate)
    let samples = try reader.read(
      0..<reader.info.sampleCount, acceptsNonFinite: acceptsNonFinite)
    return Waveform(samples: samples, sampleRate: reader.info.sampleRate)
  }

  /// All samples of a mono file whose bytes are in memory and that errors call `path`.
  ///
  /// - Throws: `WaveFileError` like `read(path:sampleRate:acceptsNonFinite:)`.
  package static func read(
    bytes: [UInt8], path: String, sampleRate: Int? = nil
  ) throws(WaveFileError) -> Waveform {
    let reader = try WaveReader(path: path, bytes: bytes)
    try reader.requireMono(sampleRate: sampleRate)
    let samples = try reader.read(0..<reader.info.sampleCount)
    return Waveform(samples: samples, sampleRate: reader.info.sampleRate)
  }

  /// All bytes of a file of any kind.
  ///
  /// - Throws: `WaveFileError.missing` or `unreadable`.
  package static func bytes(path: String) throws(WaveFileError) -> [UInt8] {
    let data = try FileContents.read(URL(fileURLWithPath: path)) { error -> WaveFileError in
      error.isMissing ? .missing(path: path) : .unreadable(path: path, reason: error.reason)
    }
    return [UInt8](data)
  }

  /// Samples `range` of a mono file, which must have the rate `sampleRate`, in hertz, unless that
  /// is nil.
  ///
  /// - Throws: `WaveFileError` like `read(path:sampleRate:acceptsNonFinite:)`, and if `range` is
  ///   not inside the file.
  public static func read(
    path: String, range: Range<Int>, sampleRate: Int? = nil, acceptsNonFinite: Bool = false
  ) throws(WaveFileError) -> Waveform {
    let reader = try WaveReader(path: path)
    try reader.requireMono(sampleRate: sampleRate)
    return Waveform(
      samples: try reader.read(range, acceptsNonFinite: acceptsNonFinite),
      sampleRate: reader.info.sampleRate)
  }

  /// All samples of a file with any number of channels, averaged over the channels.
  ///
  /// - Throws: `WaveFileError` if the file cannot be read.
  package static func readMixedDown(path: String) throws(WaveFileError) -> Waveform {
    let reader = try WaveReader(path: path)
    let channels = reader.info.channelCount
    let interleaved = try reader.read(0..<reader.info.sampleCount)
    if channels == 1 { return Waveform(samples: interleaved, sampleRate: reader.info.sampleRate) }
    let mono = (0..<reader.info.sampleCount).map { frame in
      var sum: Float = 0
      for channel in 0..<channels { sum += interleaved[frame * channels + channel] }
      return sum / Float(channels)
    }
    return Waveform(samples: mono, sampleRate: reader.info.sampleRate)
  }
}
