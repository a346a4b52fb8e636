import Files
import Foundation
import Platform

/// The beginning of a packed corpus: the header, and directly behind it the tensor of checksums.
/// One checksum covers both, so nothing of the file can change unnoticed.
package struct PackHead {
  /// The value of `formatKey`; another number for any other way to arrange a corpus.
  package static let format = "disttrain-corpus-2"
  static let formatKey = "format"
  static let layoutKey = "layout"
  static let sampleRateKey = "sample_rate"
  static let blockKey = "block_samples"
  static let checksumKey = "checksum"
  /// The tensor of checksums, I32 for readers that know no unsigned integers: the CRC-32C of every
  /// block of every recording, the recordings in the order of their data.
  package static let tableName = "checksums"
  /// Samples of a block. A crop of 2 s touches two or three: at most half as much again is read,
  /// and the checksums of ten hours take 0.1 MB.
  package static let blockSampleCount = 16_384

  /// The file's header.
  package let header: SafetensorsHeader
  /// The recordings in the order of their data.
  package let recordings: [SafetensorsHeader.Field]
  /// Samples of a block.
  package let blockSampleCount: Int
  /// The checksums of all blocks.
  package let table: [UInt32]
  /// Eight hexadecimal digits that stand for the whole content.
  package let checksum: String
  /// Bytes of the file.
  package let fileByteCount: Int

  /// Reads the head of the file at `path` and verifies it.
  package init(path: String) throws(PackedCorpusError) {
    let url = URL(fileURLWithPath: path)
    do {
      header = try SafetensorsHeader(contentsOf: url)
    } catch {
      throw .notWhole(reason: error.description)
    }
    let metadata = header.metadata
    guard let format = metadata[Self.formatKey], format.hasPrefix("disttrain-corpus") else {
      throw .notACorpus(path: path)
    }
    guard format == Self.format else { throw .otherFormat(path: path, found: format) }
    guard let checksum = metadata[Self.checksumKey] else {
      throw .badMetadata(path: path, key: Self.checksumKey, found: nil)
    }
    let blockText = metadata[Self.blockKey]
    guard let block = blockText.flatMap({ Int($0) }), (1...1 << 30).contains(block) else {
      throw .badMetadata(path: path, key: Self.blockKey, found: blockText)
    }
    let tables = header.fields.filter { $0.name == Self.tableName }
    recordings = header.fields.filter { $0.name != Self.tableName }
    let blockCount = recordings.reduce(0) {
      $0
        + PackedRecording.blockCount(
          sampleCount: $1.shape.reduce(1, *), blockSampleCount: block)
    }
    guard let field = tables.first, field.dtype == "I32", field.shape == [blockCount] else {
      throw .badChecksums(path: path)
    }
    let bytes = try Self.bytes(of: field, header, path: path)
    guard Self.checksum(header.fields, metadata, table: bytes) == checksum else {
      throw .badChecksums(path: path)
    }
    table = bytes.withUnsafeBytes { raw in
      (0..<blockCount).map {
        UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
      }
    }
    blockSampleCount = block
    self.checksum = checksum
    fileByteCount = header.dataStart + (header.fields.last?.end ?? 0)
  }

  /// The CRC-32C of what the head means: the metadata but the checksum itself, by key (in the order
  /// of its UTF-8), key and value each with a NUL behind it; name, type and extents of each tensor
  /// in the order of the data, likewise; then the bytes of the tensor of checksums. How the JSON is
  /// written does not matter.
  package static func checksum(
    _ fields: [SafetensorsHeader.Field], _ metadata: [String: String], table: [UInt8]
  ) -> String {
    var text: [UInt8] = []
    func add(_ part: String) { text += Array(part.utf8) + [0] }
    let keys = metadata.keys.filter { $0 != checksumKey }
    for key in keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      add(key)
      add(metadata[key] ?? "")
    }
    for field in fields {
      add(field.name)
      add(field.dtype)
      add(field.shape.map(String.init).joined(separator: ","))
    }
    var sum = CRC32C(text)
    table.withUnsafeBytes { sum.add($0) }
    return sum.text
  }

  /// The bytes at the beginning of a file with these recordings, in that order, whose blocks have
  /// the checksums `table`. As many bytes for every table.
  package static func serialized(
    recordings: [(name: String, encoding: PackedRecording.Encoding, sampleCount: Int)],
    metadata: [String: String], table: [UInt32]
  ) -> Data {
    var end = 4 * table.count
    var fields = [
      SafetensorsHeader.Field(
        name: tableName, dtype: "I32", shape: [table.count], begin: 0, end: end)
    ]
    for (name, encoding, sampleCount) in recordings {
      let begin = end
      end += sampleCount * encoding.byteCount
      fields.append(
        SafetensorsHeader.Field(
          name: name, dtype: encoding.dtype, shape: [sampleCount], begin: begin, end: end))
    }
    var metadata = metadata
    metadata[formatKey] = format
    metadata[blockKey] = "\(blockSampleCount)"
    let bytes = table.map(\.littleEndian).withUnsafeBytes(Array.init)
    metadata[checksumKey] = checksum(fields, metadata, table: bytes)
    return SafetensorsHeader.serialized(fields: fields, metadata: metadata) + bytes
  }

  private static func bytes(
    of field: SafetensorsHeader.Field, _ header: SafetensorsHeader, path: String
  ) throws(PackedCorpusError) -> [UInt8] {
    let data: Data?
    do {
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? file.close() }
      try file.seek(toOffset: UInt64(header.dataStart + field.begin))
      data = try file.read(upToCount: field.end - field.begin)
    } catch {
      throw .notWhole(reason: "\(path) cannot be read: \(ErrorText.reason(error))")
    }
    return [UInt8](data ?? Data())
  }
}
