import CSndfile
import Files
import Foundation
import Synchronization

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

/// Reads WAV, FLAC and Ogg files through libsndfile, and writes WAV and FLAC. 16-bit samples are
/// divided by 32,768.
///
/// Files with more than one channel are refused, because the choice of the channel is the caller's.
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
  /// Reading the end detects a truncated FLAC file, whose header is intact.
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

/// The lock under which files are opened, since libsndfile keeps the reason of a failed open in a
/// global variable.
private let openLock = Mutex<Void>(())

/// An open audio file.
private final class WaveReader {
  let path: String
  let info: WaveInfo
  private let handle: OpaquePointer
  /// The user data of the callbacks, to which libsndfile keeps a pointer.
  private let memory: MemorySource?

  /// Opens the file at `path`, or a file in memory with the given bytes.
  init(path: String, bytes: [UInt8]? = nil) throws(WaveFileError) {
    self.path = path
    let byteCount = if let bytes { bytes.count } else { try Self.byteCount(path) }
    if byteCount == 0 { throw .empty(path: path) }
    var header = SF_INFO()
    let memory = bytes.map(MemorySource.init)
    self.memory = memory
    let user = memory.map { UInt(bitPattern: Unmanaged.passUnretained($0).toOpaque()) }
    // The pointer crosses the lock as an integer because Swift cannot see that only this function
    // uses it.
    let opened: Result<UInt, WaveFileError> = openLock.withLock { _ in
      var callbacks = MemorySource.callbacks
      let opened =
        user.map {
          sf_open_virtual(
            &callbacks, Int32(SFM_READ), &header, UnsafeMutableRawPointer(bitPattern: $0))
        } ?? sf_open(path, Int32(SFM_READ), &header)
      if let handle = opened {
        return .success(UInt(bitPattern: handle))
      }
      return .failure(.unreadable(path: path, reason: String(cString: sf_strerror(nil))))
    }
    guard let handle = OpaquePointer(bitPattern: try opened.get()) else {
      throw .unreadable(path: path, reason: "no handle")
    }
    self.handle = handle
    info = WaveInfo(
      sampleCount: Int(header.frames), sampleRate: Int(header.samplerate),
      channelCount: Int(header.channels),
      isPCM16: Int(header.format) & Int(SF_FORMAT_SUBMASK) == Int(SF_FORMAT_PCM_16))
    // A stream of unknown length has the largest possible number of samples.
    if info.sampleCount > 1 << 40 {
      throw .unreadable(path: path, reason: "its header does not say how long it is")
    }
    let promise =
      bytes.map { RIFFDataChunk.promisedBytes(in: $0) } ?? RIFFDataChunk.promisedBytes(path: path)
    if let promised = promise {
      let found = byteCount - promised.offset
      if promised.byteCount > found {
        throw .truncated(
          path: path, expected: promised.byteCount / promised.bytesPerFrame,
          found: max(0, found) / promised.bytesPerFrame)
      }
    }
    if info.sampleCount <= 0 { throw .empty(path: path) }
  }

  deinit { sf_close(handle) }

  private static func byteCount(_ path: String) throws(WaveFileError) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw .missing(path: path) }
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      throw .unreadable(path: path, reason: "it is a folder")
    }
    return Int(status.st_size)
  }

  func requireMono(sampleRate: Int?) throws(WaveFileError) {
    if info.channelCount != 1 {
      throw .multiChannel(path: path, channelCount: info.channelCount)
    }
    if let sampleRate { try info.require(sampleRate: sampleRate, path: path) }
  }

  /// Samples `range` of all channels, interleaved.
  func read(
    _ range: Range<Int>, acceptsNonFinite: Bool = false
  ) throws(WaveFileError) -> [Float] {
    guard range.lowerBound >= 0, range.upperBound <= info.sampleCount else {
      throw .outOfRange(path: path, range: range, sampleCount: info.sampleCount)
    }
    if range.isEmpty { return [] }
    if range.lowerBound > 0,
      sf_seek(handle, sf_count_t(range.lowerBound), SEEK_SET) != range.lowerBound
    {
      throw .truncated(path: path, expected: info.sampleCount, found: range.lowerBound)
    }
    var delivered = 0
    let samples = [Float](unsafeUninitializedCapacity: range.count * info.channelCount) {
      buffer, count in
      delivered = Int(sf_readf_float(handle, buffer.baseAddress, sf_count_t(range.count)))
      count = delivered * info.channelCount
    }
    guard delivered == range.count else {
      throw .truncated(
        path: path, expected: info.sampleCount, found: range.lowerBound + delivered)
    }
    if !acceptsNonFinite, let bad = samples.firstIndex(where: { !$0.isFinite }) {
      throw .nonFinite(path: path, index: range.lowerBound + bad / info.channelCount)
    }
    return samples
  }
}
