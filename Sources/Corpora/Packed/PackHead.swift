import Files
import Foundation
import Platform

/// The beginning of a packed corpus: the header and the tables that say where each recording lies.
/// One checksum covers them, so nothing of the file can change unnoticed.
///
/// The present format has a table of fixed-size rows for the pairs, and all samples of an encoding
/// in one tensor, so that the header stays small however many pairs there are. The format before it
/// has a tensor for each recording.
package struct PackHead {
  /// The value of `formatKey`; another number for any other way to arrange a corpus.
  package static let format = "disttrain-corpus-3"
  /// The format before, which is read.
  package static let earlierFormat = "disttrain-corpus-2"
  static let formatKey = "format"
  static let layoutKey = "layout"
  static let sampleRateKey = "sample_rate"
  static let blockKey = "block_samples"
  static let checksumKey = "checksum"
  /// The tensor of checksums, I32 for readers that know no unsigned integers: the CRC-32C of every
  /// block of every recording.
  package static let tableName = "checksums"
  /// The tensor of pairs, I64, whose rows are `PackRow`s.
  package static let pairsName = "pairs"
  /// The tensor of names, U8: their UTF-8 one after another in the order of the pairs, with zeros
  /// behind the last.
  package static let namesName = "names"
  /// Samples of a block. A crop of 2 s touches two or three: at most half as much again is read,
  /// and the checksums of ten hours take 0.1 MB.
  package static let blockSampleCount = 16_384

  /// The pairs.
  let table: PackTable
  /// The layout of the folder that was packed.
  package let layout: CorpusLayout.Kind
  /// Samples per second, in hertz.
  package let sampleRate: Int
  /// Samples of a block.
  package let blockSampleCount: Int
  /// Offset of the checksums of all blocks, in bytes from the start of the file.
  let checksumsOffset: Int
  /// Eight hexadecimal digits that stand for the whole content.
  package let checksum: String
  /// Bytes of the file.
  package let fileByteCount: Int

  /// Reads the head of the file at `path` and verifies it.
  package init(path: String) throws(PackedCorpusError) {
    let fields = try PackFields(path: path)
    let metadata = fields.metadata
    guard let format = metadata[Self.formatKey], format.hasPrefix("disttrain-corpus") else {
      throw .notACorpus(path: path)
    }
    guard [Self.format, Self.earlierFormat].contains(format) else {
      throw .otherFormat(path: path, found: format)
    }
    guard let checksum = metadata[Self.checksumKey] else {
      throw .badMetadata(path: path, key: Self.checksumKey, found: nil)
    }
    let blockText = metadata[Self.blockKey]
    guard let block = blockText.flatMap({ Int($0) }), (1...1 << 30).contains(block) else {
      throw .badMetadata(path: path, key: Self.blockKey, found: blockText)
    }
    let layoutName = metadata[Self.layoutKey]
    let layout = layoutName.flatMap(CorpusLayout.Kind.init)
    let rateText = metadata[Self.sampleRateKey]
    let rate = rateText.flatMap { Int($0) }
    let reader = PackTableReader(
      fields: fields, blockSampleCount: block, checksum: checksum,
      layout: layout ?? .splitFolders)
    let isPresent = format == Self.format
    // The checksum comes first: values that it covers are believed once it fits.
    let found = try isPresent ? reader.rows() : reader.tensors()
    guard let layout else {
      throw .badMetadata(path: path, key: Self.layoutKey, found: layoutName)
    }
    guard let rate, rate > 0 else {
      throw .badMetadata(path: path, key: Self.sampleRateKey, found: rateText)
    }
    table = try found.table()
    checksumsOffset = found.checksumsOffset
    self.layout = layout
    sampleRate = rate
    blockSampleCount = block
    self.checksum = checksum
    fileByteCount = fields.dataStart + fields.dataByteCount
  }

  /// The CRC-32C of what the head means: the metadata but the checksum itself, by key (in the order
  /// of its UTF-8), key and value each with a NUL behind it; name, type and extents of each tensor
  /// in the order of the data, likewise; then the bytes of the tables. How the JSON is written does
  /// not matter.
  package static func checksum(
    _ fields: [SafetensorsHeader.Field], _ metadata: [String: String], table: [UInt8]
  ) -> String {
    var sum = checksum(metadata)
    for field in fields {
      add(field.name.utf8, field.dtype, field.shape, to: &sum)
    }
    table.withUnsafeBytes { sum.add($0) }
    return sum.text
  }

  /// The beginning of the checksum, which the metadata give.
  static func checksum(_ metadata: [String: String]) -> CRC32C {
    var text: [UInt8] = []
    let keys = metadata.keys.filter { $0 != checksumKey }
    for key in keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      text += Array(key.utf8) + [0] + Array((metadata[key] ?? "").utf8) + [0]
    }
    return CRC32C(text)
  }

  /// Adds a tensor to the checksum.
  static func add(
    _ name: some Sequence<UInt8>, _ dtype: String, _ shape: [Int], to sum: inout CRC32C
  ) {
    var text = Array(name)
    text.append(0)
    text += dtype.utf8
    text.append(0)
    for (axis, extent) in shape.enumerated() { text += ((axis == 0 ? "" : ",") + "\(extent)").utf8 }
    text.append(0)
    text.withUnsafeBytes { sum.add($0) }
  }
}

/// A row of the tensor `pairs` of a pack.
struct PackRow: BitwiseCopyable, Equatable {
  /// Length of each recording, in samples.
  var sampleCount: Int64 = 0
  /// Number of the first sample in the tensor of its encoding.
  var cleanStart: Int64 = 0
  /// See `cleanStart`.
  var noisyStart: Int64 = 0
  /// Number of the first block in `checksums`.
  var cleanBlock: Int64 = 0
  /// See `cleanBlock`.
  var noisyBlock: Int64 = 0
  /// End of the name in `names`; it begins where the one before it ends.
  var nameEnd: Int64 = 0
  /// 4 × split (0 train, 1 valid, 2 test) + 2 if the clean side is in `float32` and not in `int16`
  /// + 1 if the noisy side is.
  var kind: Int64 = 0

  /// Numbers of a row.
  static let columnCount = 7
  static let byteCount = 8 * columnCount

  static func kind(
    _ split: CorpusSplit, clean: PackedRecording.Encoding, noisy: PackedRecording.Encoding
  ) -> Int64 {
    let number = CorpusSplit.allCases.firstIndex(of: split) ?? 0
    return Int64(4 * number + (clean == .float32 ? 2 : 0) + (noisy == .float32 ? 1 : 0))
  }

  /// The split; nil if there is no such kind.
  var split: CorpusSplit? {
    (0..<12).contains(kind) ? CorpusSplit.allCases[Int(kind) / 4] : nil
  }

  func encoding(_ side: CorpusSide) -> PackedRecording.Encoding {
    kind & (side == .clean ? 2 : 1) != 0 ? .float32 : .int16
  }
}
