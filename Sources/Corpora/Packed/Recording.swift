import Audio
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

/// Mono samples that lie without gaps in a larger file, with a checksum for each block of them.
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
  /// Samples of a block; the last one of the recording may have fewer.
  public var blockSampleCount: Int
  /// The CRC-32C of the stored bytes of each block.
  public var blockChecksums: [UInt32]

  /// Puts the parts together.
  public init(
    path: String, fileByteCount: Int, name: String, offset: Int, encoding: Encoding,
    sampleCount: Int, sampleRate: Int, blockSampleCount: Int, blockChecksums: [UInt32]
  ) {
    precondition(
      blockChecksums.count
        == Self.blockCount(sampleCount: sampleCount, blockSampleCount: blockSampleCount),
      "PackedRecording: \(blockChecksums.count) checksums for \(sampleCount) samples in blocks of "
        + "\(blockSampleCount)")
    self.path = path
    self.fileByteCount = fileByteCount
    self.name = name
    self.offset = offset
    self.encoding = encoding
    self.sampleCount = sampleCount
    self.sampleRate = sampleRate
    self.blockSampleCount = blockSampleCount
    self.blockChecksums = blockChecksums
  }

  /// Blocks of a recording of `sampleCount` samples.
  public static func blockCount(sampleCount: Int, blockSampleCount: Int) -> Int {
    // Not (a + b − 1) / b, which overflows for numbers out of a damaged file.
    sampleCount / blockSampleCount + (sampleCount % blockSampleCount == 0 ? 0 : 1)
  }

  /// The samples of block number `block`.
  package func samples(ofBlock block: Int) -> Range<Int> {
    let start = block * blockSampleCount
    return start..<min(start + blockSampleCount, sampleCount)
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
  /// required of it. Of a packed one every block that the range touches is verified.
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

  /// The blocks of a packed recording that are not as they were packed, reading all of it.
  package func damagedBlocks(of stretch: PackedRecording) throws(WaveFileError) -> [Int] {
    let label = Recording.packed(stretch).description
    return try file(of: stretch).damagedBlocks(of: stretch, label: label)
  }

  private func file(of stretch: PackedRecording) throws(WaveFileError) -> PackedFile {
    if let packed, packed.path == stretch.path { return packed }
    let file = try PackedFile(path: stretch.path, byteCount: stretch.fileByteCount)
    packed = file
    return file
  }
}
