import Audio
import Foundation

/// The place of a recording: an audio file of its own, or a stretch of a packed corpus.
public enum Recording: Sendable, Equatable, Codable, CustomStringConvertible {
  /// A WAV or FLAC file.
  case file(path: String)
  /// A stretch of a packed corpus.
  case packed(PackedRecording)

  /// The recording's name in messages: the path of the file, followed by the recording's name if
  /// the file holds many.
  public var description: String {
    switch self {
    case .file(let path): path
    case .packed(let recording): recording.label
    }
  }
}

/// Mono samples that are stored without gaps in a larger file, with a checksum for each block.
public struct PackedRecording: Sendable, Equatable, Codable {
  /// The encoding of a sample, little-endian.
  public enum Encoding: String, Sendable, Codable {
    /// 16-bit integers, of which 32,768 is full scale.
    case int16
    /// 32-bit floats.
    case float32

    /// Number of bytes of a sample.
    public var byteCount: Int { self == .int16 ? 2 : 4 }

    /// The name of the type in safetensors.
    package var dtype: String { self == .int16 ? "I16" : "F32" }

    /// The encoding that safetensors calls `dtype`, if it is one.
    init?(dtype: String) {
      guard let encoding = [Self.int16, .float32].first(where: { $0.dtype == dtype }) else {
        return nil
      }
      self = encoding
    }
  }

  /// Path of the file.
  public var path: String
  /// Number of bytes of the whole file when it was inspected; an incomplete copy has fewer.
  public var fileByteCount: Int
  /// Name of the recording in the file.
  public var name: String
  /// Offset of the first sample, in bytes from the start of the file.
  public var offset: Int
  /// Encoding of the samples.
  public var encoding: Encoding
  /// Number of samples.
  public var sampleCount: Int
  /// Samples per second, in hertz.
  public var sampleRate: Int
  /// Number of samples of a block; the last block of the recording may have fewer.
  public var blockSampleCount: Int
  /// Offset of the checksums of its blocks, in bytes from the start of the file: the CRC-32C of the
  /// stored bytes of each, 32 bits, little-endian.
  public var checksumsOffset: Int

  /// Recording at `offset` bytes of the file, whose blocks have the checksums at `checksumsOffset`.
  public init(
    path: String, fileByteCount: Int, name: String, offset: Int, encoding: Encoding,
    sampleCount: Int, sampleRate: Int, blockSampleCount: Int, checksumsOffset: Int
  ) {
    self.path = path
    self.fileByteCount = fileByteCount
    self.name = name
    self.offset = offset
    self.encoding = encoding
    self.sampleCount = sampleCount
    self.sampleRate = sampleRate
    self.blockSampleCount = blockSampleCount
    self.checksumsOffset = checksumsOffset
  }

  /// The file and the recording's name in it, for messages.
  var label: String { "\(path)[\(name)]" }

  /// Number of bytes of a block; the last one of the recording may have fewer.
  var blockByteCount: Int { blockSampleCount * encoding.byteCount }

  /// Number of blocks.
  package var blockCount: Int {
    Self.blockCount(sampleCount: sampleCount, blockSampleCount: blockSampleCount)
  }

  /// Number of blocks of a recording of `sampleCount` samples.
  public static func blockCount(sampleCount: Int, blockSampleCount: Int) -> Int {
    // The form (a + b − 1) / b would overflow for numbers from a damaged file.
    sampleCount / blockSampleCount + (sampleCount % blockSampleCount == 0 ? 0 : 1)
  }

  /// Range of the samples of block number `block`.
  package func samples(ofBlock block: Int) -> Range<Int> {
    let start = block * blockSampleCount
    return start..<min(start + blockSampleCount, sampleCount)
  }
}

/// A reader of recordings in files of their own or in packed files. Each instance serves one
/// thread.
///
/// The packed file that was read last stays open, because on a cluster's file system opening a file
/// takes longer than reading a crop.
public final class RecordingReader {
  private var packed: PackedFile?
  private let acceptsNonFinite: Bool

  /// A reader without an open file. Samples that are not finite are an error unless the caller
  /// handles them itself and sets `acceptsNonFinite`.
  public init(acceptsNonFinite: Bool = false) { self.acceptsNonFinite = acceptsNonFinite }

  /// Samples `range` of a mono recording, or all samples if `range` is nil. The recording must have
  /// the rate `sampleRate`, in hertz. In a packed recording every block that the range touches is
  /// verified.
  ///
  /// - Throws: `WaveFileError` if the file cannot be read, is damaged, or has another rate or
  ///   length.
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
      guard stretch.sampleRate == sampleRate else {
        throw .wrongSampleRate(path: stretch.label, expected: sampleRate, found: stretch.sampleRate)
      }
      let range = range ?? 0..<stretch.sampleCount
      guard range.lowerBound >= 0, range.upperBound <= stretch.sampleCount else {
        throw .outOfRange(path: stretch.label, range: range, sampleCount: stretch.sampleCount)
      }
      return try file(of: stretch).samples(range, of: stretch, acceptsNonFinite: acceptsNonFinite)
    }
  }

  /// Reads a whole packed recording and returns the numbers of the blocks that do not match their
  /// checksums.
  ///
  /// - Throws: `WaveFileError` if the file cannot be read.
  package func damagedBlocks(of stretch: PackedRecording) throws(WaveFileError) -> [Int] {
    try file(of: stretch).damagedBlocks(of: stretch)
  }

  private func file(of stretch: PackedRecording) throws(WaveFileError) -> PackedFile {
    if let packed, packed.path == stretch.path { return packed }
    let file = try PackedFile(path: stretch.path, byteCount: stretch.fileByteCount)
    packed = file
    return file
  }
}
