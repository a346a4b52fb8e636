/// Places of the two recordings of a pair in a pack, in a form of fixed size.
struct PackedPair: BitwiseCopyable {
  /// Offsets of the first samples, in bytes from the start of the file; the highest bit is set if
  /// the samples are floats.
  private var cleanStart: UInt64
  private var noisyStart: UInt64
  private var samples: Int64
  /// End of the name among all names; it begins where the one before it ends.
  var nameEnd: Int
  /// Numbers of the first blocks of the recordings among all blocks of the pack.
  private var cleanBlock: UInt32
  private var noisyBlock: UInt32

  /// Bytes of a record.
  static let byteCount = MemoryLayout<PackedPair>.size
  /// Offset of `nameEnd` in a record.
  static let nameEndOffset = 24
  private static let floatBit: UInt64 = 1 << 63

  /// A recording: its place and encoding, and the number of its first block.
  struct Side {
    var offset: Int
    var encoding: PackedRecording.Encoding
    var block: Int
  }

  /// Length of each recording, in samples.
  var sampleCount: Int { Int(samples) }

  init(clean: Side, noisy: Side, sampleCount: Int, nameEnd: Int) {
    func start(_ side: Side) -> UInt64 {
      UInt64(side.offset) | (side.encoding == .float32 ? Self.floatBit : 0)
    }
    cleanStart = start(clean)
    noisyStart = start(noisy)
    samples = Int64(sampleCount)
    self.nameEnd = nameEnd
    cleanBlock = UInt32(clean.block)
    noisyBlock = UInt32(noisy.block)
  }

  subscript(side: CorpusSide) -> Side {
    let (start, block) = side == .clean ? (cleanStart, cleanBlock) : (noisyStart, noisyBlock)
    return Side(
      offset: Int(start & ~Self.floatBit),
      encoding: start & Self.floatBit == 0 ? .int16 : .float32, block: Int(block))
  }
}

/// A pack as its recordings know it.
package struct PackPlace: Codable, Equatable, Sendable {
  /// Path of the file.
  var path: String
  /// Bytes of the file when it was inspected.
  var byteCount: Int
  /// The split that the names of recordings begin with.
  var split: CorpusSplit
  /// Offset of the checksums of all blocks, in bytes from the start of the file.
  var checksumsOffset: Int
  /// Samples of a block.
  var blockSampleCount: Int
  /// Checksum of the head, eight hexadecimal digits.
  var checksum: String

  /// A recording of `pair`, whose name is `name`.
  func recording(
    _ pair: PackedPair, _ side: CorpusSide, name: String, sampleRate: Int
  ) -> PackedRecording {
    let found = pair[side]
    return PackedRecording(
      path: path, fileByteCount: byteCount, name: "\(split.rawValue)/\(side.rawValue)/\(name)",
      offset: found.offset, encoding: found.encoding, sampleCount: pair.sampleCount,
      sampleRate: sampleRate, blockSampleCount: blockSampleCount,
      checksumsOffset: checksumsOffset + 4 * found.block)
  }
}
