import Files
import Foundation
import Platform

/// The tables of a pack that is being written.
///
/// The file has the header, `pairs`, `checksums` and `names`, and behind them the samples. Room is
/// kept for all pairs that were inspected; where fewer are written, the zeros behind the names are
/// more, so no sample moves.
struct PackDraft {
  private let metadata: [String: String]
  private let sampleCounts: [PackedRecording.Encoding: Int]
  private let headByteCount: Int
  private let headerByteCount: Int
  private var rows: [PackRow] = []
  private var names: [UInt8] = []
  private var checksums: [UInt32]
  /// The next free sample and block.
  private var nextSample: [PackedRecording.Encoding: Int] = [.int16: 0, .float32: 0]
  private var nextBlock = 0

  private static let encodings = [PackedRecording.Encoding.float32, .int16]

  /// A draft with room for all pairs of `datasets`.
  init(layout: CorpusLayout.Kind, sampleRate: Int, _ datasets: [PairedDataset]) {
    metadata = [
      PackHead.formatKey: PackHead.format, PackHead.layoutKey: layout.rawValue,
      PackHead.sampleRateKey: "\(sampleRate)", "program": Program.nameAndVersion,
      PackHead.blockKey: "\(PackHead.blockSampleCount)",
    ]
    var sampleCounts: [PackedRecording.Encoding: Int] = [.int16: 0, .float32: 0]
    var blockCount = 0
    var nameByteCount = 0
    for dataset in datasets {
      for item in 0..<dataset.pairs.count {
        let facts = dataset.facts[item]
        nameByteCount += dataset.pairs.name(item).utf8.count
        for side in CorpusSide.allCases {
          sampleCounts[Self.encoding(facts[side]), default: 0] += facts[side].sampleCount
          blockCount += Self.blockCount(facts[side].sampleCount)
        }
      }
    }
    self.sampleCounts = sampleCounts
    let pairCount = datasets.reduce(0) { $0 + $1.pairs.count }
    rows.reserveCapacity(pairCount)
    names.reserveCapacity(nameByteCount)
    checksums = [UInt32](repeating: 0, count: blockCount)
    // A multiple of eight, so that every sample lies at a multiple of its size.
    let tables = pairCount * PackRow.byteCount + blockCount * 4 + nameByteCount
    headByteCount = (tables + 7) / 8 * 8
    let fields = Self.fields(
      rows: pairCount, blocks: blockCount, headByteCount: headByteCount, sampleCounts)
    let full = metadata.merging([PackHead.checksumKey: "00000000"]) { $1 }
    // Eight more for a place of a number, where fewer pairs than all make another longer.
    headerByteCount = SafetensorsHeader.serialized(fields: fields, metadata: full).count + 16
  }

  /// Bytes of the whole file.
  var fileByteCount: Int {
    headerByteCount + headByteCount
      + Self.encodings.reduce(0) { $0 + (sampleCounts[$1] ?? 0) * $1.byteCount }
  }

  /// The place of the next pair, whether it will be added or left out.
  mutating func next(_ split: CorpusSplit, _ facts: FileFacts.Pair) -> PackRow {
    func place(_ side: CorpusSide) -> (start: Int, block: Int) {
      let encoding = Self.encoding(facts[side])
      let place = (nextSample[encoding] ?? 0, nextBlock)
      nextSample[encoding, default: 0] += facts[side].sampleCount
      nextBlock += Self.blockCount(facts[side].sampleCount)
      return place
    }
    let clean = place(.clean)
    let noisy = place(.noisy)
    return PackRow(
      sampleCount: Int64(facts.clean.sampleCount), cleanStart: Int64(clean.start),
      noisyStart: Int64(noisy.start), cleanBlock: Int64(clean.block),
      noisyBlock: Int64(noisy.block),
      kind: PackRow.kind(
        split, clean: Self.encoding(facts.clean), noisy: Self.encoding(facts.noisy)))
  }

  /// Takes the checksums of the samples `bytes` of one side of `row`, and returns their place in
  /// the file.
  mutating func take(_ bytes: UnsafeRawBufferPointer, _ side: CorpusSide, of row: PackRow) -> Int {
    let encoding = row.encoding(side)
    var block = Int(side == .clean ? row.cleanBlock : row.noisyBlock)
    let blockByteCount = PackHead.blockSampleCount * encoding.byteCount
    for start in stride(from: 0, to: bytes.count, by: blockByteCount) {
      let own = bytes.dropFirst(start).prefix(blockByteCount)
      checksums[block] = CRC32C(UnsafeRawBufferPointer(rebasing: own)).value
      block += 1
    }
    let floats = (sampleCounts[.float32] ?? 0) * PackedRecording.Encoding.float32.byteCount
    let start = Int(side == .clean ? row.cleanStart : row.noisyStart) * encoding.byteCount
    return headerByteCount + headByteCount + (encoding == .int16 ? floats : 0) + start
  }

  /// Adds the pair `row`, whose name is `name`.
  mutating func add(_ row: PackRow, name: String) {
    names += name.utf8
    var row = row
    row.nameEnd = Int64(names.count)
    rows.append(row)
  }

  /// The bytes before the samples.
  func head() -> [UInt8] {
    var tables: [UInt8] = []
    tables.reserveCapacity(headByteCount)
    rows.withUnsafeBytes { tables += $0 }
    checksums.map(\.littleEndian).withUnsafeBytes { tables += $0 }
    tables += names
    tables += [UInt8](repeating: 0, count: headByteCount - tables.count)
    let fields = Self.fields(
      rows: rows.count, blocks: checksums.count, headByteCount: headByteCount, sampleCounts)
    var metadata = metadata
    metadata[PackHead.checksumKey] = PackHead.checksum(fields, metadata, table: tables)
    let header = SafetensorsHeader.serialized(
      fields: fields, metadata: metadata, byteCount: headerByteCount)
    precondition(
      header.count == headerByteCount, "PackDraft: a header of \(header.count) bytes")
    return [UInt8](header) + tables
  }

  private static func fields(
    rows: Int, blocks: Int, headByteCount: Int, _ samples: [PackedRecording.Encoding: Int]
  ) -> [SafetensorsHeader.Field] {
    var fields: [SafetensorsHeader.Field] = []
    func add(_ name: String, _ dtype: String, _ shape: [Int], _ byteCount: Int) {
      let begin = fields.last?.end ?? 0
      fields.append(
        .init(name: name, dtype: dtype, shape: shape, begin: begin, end: begin + byteCount))
    }
    add(PackHead.pairsName, "I64", [rows, PackRow.columnCount], rows * PackRow.byteCount)
    add(PackHead.tableName, "I32", [blocks], 4 * blocks)
    let nameByteCount = headByteCount - (fields.last?.end ?? 0)
    add(PackHead.namesName, "U8", [nameByteCount], nameByteCount)
    for encoding in encodings {
      let count = samples[encoding] ?? 0
      if count > 0 {
        add(encoding.rawValue, encoding.dtype, [count], count * encoding.byteCount)
      }
    }
    return fields
  }

  private static func encoding(_ facts: FileFacts) -> PackedRecording.Encoding {
    facts.state == .int16 ? .int16 : .float32
  }

  private static func blockCount(_ sampleCount: Int) -> Int {
    PackedRecording.blockCount(
      sampleCount: sampleCount, blockSampleCount: PackHead.blockSampleCount)
  }
}
