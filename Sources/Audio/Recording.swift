import Foundation

/// Where a recording is: in an audio file of its own, or in a file with many.
public enum Recording: Sendable, Equatable, Codable, CustomStringConvertible {
  /// A WAV or FLAC file.
  case file(path: String)
  /// A stretch of a packed corpus.
  case packed(PackedRecording)

  /// What messages call it: the path of the file, with the recording's name if it holds many.
  public var description: String {
    switch self {
    case .file(let path): path
    case .packed(let recording): "\(recording.path)[\(recording.name)]"
    }
  }
}

/// Mono samples that lie without gaps in a larger file.
public struct PackedRecording: Sendable, Equatable, Codable {
  /// How a sample is stored, little-endian.
  public enum Encoding: String, Sendable, Codable {
    /// 16-bit integers; 32,768 is full scale.
    case int16
    /// 32-bit floats.
    case float32

    /// Bytes of a sample.
    public var byteCount: Int { self == .int16 ? 2 : 4 }
  }

  /// The file.
  public var path: String
  /// Bytes of the whole file when it was inspected: a copy that ends early has fewer.
  public var fileByteCount: Int
  /// The recording's name in the file.
  public var name: String
  /// Where its first sample is, in bytes from the start of the file.
  public var offset: Int
  /// How its samples are stored.
  public var encoding: Encoding
  /// Number of samples.
  public var sampleCount: Int
  /// Samples per second, in hertz.
  public var sampleRate: Int

  /// Puts the parts together.
  public init(
    path: String, fileByteCount: Int, name: String, offset: Int, encoding: Encoding,
    sampleCount: Int, sampleRate: Int
  ) {
    self.path = path
    self.fileByteCount = fileByteCount
    self.name = name
    self.offset = offset
    self.encoding = encoding
    self.sampleCount = sampleCount
    self.sampleRate = sampleRate
  }
}

/// Reads recordings from wherever they are. One instance serves one thread.
///
/// It keeps the packed file that it read last open: on a cluster's file system the opening of a
/// file costs more than the reading of a crop.
public final class RecordingReader {
  private var packed: PackedFile?
  private let acceptsNonFinite: Bool

  /// A reader with nothing open. Samples that are not finite are an error unless the caller, who
  /// has a better answer, `acceptsNonFinite` ones.
  public init(acceptsNonFinite: Bool = false) { self.acceptsNonFinite = acceptsNonFinite }

  /// Samples `range` of a mono recording, all of them without one. `sampleRate`, in hertz, is
  /// required of it.
  public func read(
    _ recording: Recording, range: Range<Int>? = nil, sampleRate: Int
  ) throws(WaveFileError) -> [Float] {
    switch recording {
    case .file(let path):
      guard let range else {
        return try WaveFile.read(
          path: path, sampleRate: sampleRate, acceptsNonFinite: acceptsNonFinite
        ).samples
      }
      return try WaveFile.read(
        path: path, range: range, sampleRate: sampleRate, acceptsNonFinite: acceptsNonFinite
      ).samples
    case .packed(let stretch):
      let label = recording.description
      guard stretch.sampleRate == sampleRate else {
        throw .wrongSampleRate(path: label, expected: sampleRate, found: stretch.sampleRate)
      }
      let range = range ?? 0..<stretch.sampleCount
      guard range.lowerBound >= 0, range.upperBound <= stretch.sampleCount else {
        throw .outOfRange(path: label, range: range, sampleCount: stretch.sampleCount)
      }
      return try file(of: stretch).samples(
        range, of: stretch, label: label, acceptsNonFinite: acceptsNonFinite)
    }
  }

  private func file(of stretch: PackedRecording) throws(WaveFileError) -> PackedFile {
    if let packed, packed.path == stretch.path { return packed }
    let file = try PackedFile(path: stretch.path, byteCount: stretch.fileByteCount)
    packed = file
    return file
  }
}

/// An open file of many recordings. Read, not mapped: where a mapped file has lost its end, the
/// process gets a signal; a read gets fewer bytes.
private final class PackedFile {
  let path: String
  private let descriptor: Int32

  init(path: String, byteCount: Int) throws(WaveFileError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw .missing(path: path) }
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    // Also finds a copy on another machine that is not whole.
    guard Int(status.st_size) == byteCount else {
      throw .unreadable(
        path: path,
        reason: "it has \(status.st_size) bytes here and now, and had \(byteCount) when the corpus "
          + "was inspected")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func samples(
    _ range: Range<Int>, of stretch: PackedRecording, label: String, acceptsNonFinite: Bool
  ) throws(WaveFileError) -> [Float] {
    let offset = stretch.offset + range.lowerBound * stretch.encoding.byteCount
    switch stretch.encoding {
    case .int16:
      let scale: Float = 1 / 32_768
      return try values(range, at: offset, of: stretch, label: label, zero: Int16(0)).map {
        Float(Int16(littleEndian: $0)) * scale
      }
    case .float32:
      let bits = try values(range, at: offset, of: stretch, label: label, zero: UInt32(0))
      let samples = bits.map { Float(bitPattern: UInt32(littleEndian: $0)) }
      if !acceptsNonFinite, let bad = samples.firstIndex(where: { !$0.isFinite }) {
        throw .nonFinite(path: label, index: range.lowerBound + bad)
      }
      return samples
    }
  }

  private func values<Value: FixedWidthInteger>(
    _ range: Range<Int>, at offset: Int, of stretch: PackedRecording, label: String, zero: Value
  ) throws(WaveFileError) -> [Value] {
    var values = [Value](repeating: zero, count: range.count)
    var failure: Int32 = 0
    let filled = values.withUnsafeMutableBytes { bytes in
      var filled = 0
      while filled < bytes.count {
        let target = bytes.baseAddress.map { $0 + filled }
        let count = pread(descriptor, target, bytes.count - filled, offset + filled)
        if count < 0 && errno == EINTR { continue }
        if count < 0 { failure = errno }
        if count <= 0 { break }
        filled += count
      }
      return filled
    }
    if failure != 0 {
      throw .unreadable(path: label, reason: String(cString: strerror(failure)))
    }
    guard filled == range.count * stretch.encoding.byteCount else {
      throw .truncated(
        path: label, expected: stretch.sampleCount,
        found: range.lowerBound + filled / stretch.encoding.byteCount)
    }
    return values
  }
}
