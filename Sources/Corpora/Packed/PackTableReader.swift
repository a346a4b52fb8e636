import Files
import Foundation
import Platform

/// Reads and verifies the tables of a pack, in either format.
struct PackTableReader {
  /// The tables that fit their checksum, and the pairs that follow from them.
  struct Found {
    var checksumsOffset: Int
    /// Makes the table, or says which recording is not as it should be.
    var table: () throws(PackedCorpusError) -> PackTable
  }

  let fields: PackFields
  let blockSampleCount: Int
  let checksum: String
  let layout: CorpusLayout.Kind
  private var path: String { fields.path }

  init(
    fields: PackFields, blockSampleCount: Int, checksum: String, layout: CorpusLayout.Kind
  ) {
    self.fields = fields
    self.blockSampleCount = blockSampleCount
    self.checksum = checksum
    self.layout = layout
  }

  /// The pairs of the present format.
  func rows() throws(PackedCorpusError) -> Found {
    func field(_ name: String) -> PackFields.Field? { fields.item(name).map { fields.fields[$0] } }
    let heads = [PackHead.pairsName, PackHead.tableName, PackHead.namesName]
    let encodings = [PackedRecording.Encoding.float32, .int16].filter { field($0.rawValue) != nil }
    let order = (0..<fields.fields.count).map { fields.names.text($0) }
    guard order == heads + encodings.map(\.rawValue), let rows = field(PackHead.pairsName),
      rows.dtype == "I64", rows.shape.count == 2, rows.shape[1] == PackRow.columnCount,
      let checksums = field(PackHead.tableName), checksums.dtype == "I32",
      checksums.shape.count == 1, let names = field(PackHead.namesName), names.dtype == "U8",
      encodings.allSatisfy({
        field($0.rawValue)?.dtype == $0.dtype && field($0.rawValue)?.shape.count == 1
      })
    else { throw .badChecksums(path: path) }
    var sum = PackHead.checksum(fields.metadata)
    for (item, field) in fields.fields.enumerated() {
      PackHead.add(fields.names[item], field.dtype, field.shape, to: &sum)
    }
    let rowBytes = try bytes(rows, adding: &sum)
    _ = try bytes(checksums, keeping: false, adding: &sum)
    let nameBytes = try bytes(names, adding: &sum)
    guard sum.text == checksum else { throw .badChecksums(path: path) }
    func place(_ encoding: PackedRecording.Encoding) -> Samples {
      let found = field(encoding.rawValue)
      return Samples(start: found?.begin ?? 0, count: found?.shape[0] ?? 0)
    }
    let places = (floats: place(.float32), integers: place(.int16))
    return Found(checksumsOffset: fields.dataStart + checksums.begin) {
      () throws(PackedCorpusError) in
      try table(rowBytes, nameBytes, places, blockCount: checksums.shape[0])
    }
  }

  /// The tensor of the samples of an encoding; without samples if there is none.
  private struct Samples {
    /// Offset of the first sample, in bytes from the start of the data.
    var start: Int
    var count: Int
  }

  private func table(
    _ rows: MappedBytes, _ names: MappedBytes,
    _ places: (floats: Samples, integers: Samples), blockCount: Int
  ) throws(PackedCorpusError) -> PackTable {
    let count = rows.count / PackRow.byteCount
    var table = PackTable(capacity: count)
    var nameEnd = 0
    var last: (split: CorpusSplit, name: ArraySlice<UInt8>)?
    for item in 0..<count {
      let row = rows.load(item * PackRow.byteCount, as: PackRow.self)
      func bad(_ reason: String) -> PackedCorpusError {
        .badRecording(path: path, name: "pair \(item)", reason: reason)
      }
      guard let split = row.split, layout.ownSplits.contains(split) else {
        throw bad("is of no split")
      }
      guard row.nameEnd > nameEnd, row.nameEnd <= names.count else { throw bad("has no name") }
      let name = names.withBytes { Array($0[nameEnd..<Int(row.nameEnd)])[...] }
      nameEnd = Int(row.nameEnd)
      guard row.sampleCount > 0, row.sampleCount < 1 << 48 else { throw bad("has no samples") }
      let blocks = PackedRecording.blockCount(
        sampleCount: Int(row.sampleCount), blockSampleCount: blockSampleCount)
      func side(_ side: CorpusSide) throws(PackedCorpusError) -> PackedPair.Side {
        let encoding = row.encoding(side)
        let start = side == .clean ? row.cleanStart : row.noisyStart
        let block = side == .clean ? row.cleanBlock : row.noisyBlock
        let place = encoding == .float32 ? places.floats : places.integers
        guard start >= 0, start < 1 << 48,
          Int(start) + Int(row.sampleCount) <= place.count,
          (0...Int64(UInt32.max)).contains(block), block + Int64(blocks) <= blockCount
        else { throw bad("lies outside the samples") }
        return PackedPair.Side(
          offset: fields.dataStart + place.start + Int(start) * encoding.byteCount,
          encoding: encoding, block: Int(block))
      }
      if let last, last.split == split, NameTable.compare(last.name, name) >= 0 {
        throw bad("is not in the order of names")
      }
      if last?.split != split, table.items(of: split) != nil {
        throw bad("is not beside its split")
      }
      last = (split, name)
      table.append(
        split, name, clean: try side(.clean), noisy: try side(.noisy),
        sampleCount: Int(row.sampleCount))
    }
    return table
  }

  /// The recordings of the format before, each a tensor of its own.
  func tensors() throws(PackedCorpusError) -> Found {
    let table = fields.item(PackHead.tableName)
    let recordings = fields.fields.indices.filter { $0 != table }
    var blockCount = 0
    var blocks: [Int] = []
    blocks.reserveCapacity(recordings.count)
    for item in recordings {
      blocks.append(blockCount)
      blockCount += PackedRecording.blockCount(
        sampleCount: fields.fields[item].shape.reduce(1, *), blockSampleCount: blockSampleCount)
    }
    guard let table, fields.fields[table].dtype == "I32",
      fields.fields[table].shape == [blockCount]
    else { throw .badChecksums(path: path) }
    var sum = PackHead.checksum(fields.metadata)
    for (item, field) in fields.fields.enumerated() {
      PackHead.add(fields.names[item], field.dtype, field.shape, to: &sum)
    }
    _ = try bytes(fields.fields[table], keeping: false, adding: &sum)
    guard sum.text == checksum else { throw .badChecksums(path: path) }
    return Found(checksumsOffset: fields.dataStart + fields.fields[table].begin) {
      () throws(PackedCorpusError) in
      try matched(recordings, blocks)
    }
  }

  /// A recording of the format before.
  private struct Entry {
    var split: CorpusSplit
    var side: CorpusSide
    /// The name of the pair within the name of the tensor.
    var name: ArraySlice<UInt8>
    var field: Int
    var block: Int
  }

  private func matched(
    _ recordings: [Int], _ blocks: [Int]
  ) throws(PackedCorpusError) -> PackTable {
    var entries: [Entry] = []
    entries.reserveCapacity(recordings.count)
    for (item, block) in zip(recordings, blocks) { entries.append(try entry(item, block)) }
    func precedes(_ one: Entry, _ other: Entry) -> Bool {
      if one.split != other.split { return number(one.split) < number(other.split) }
      let order = NameTable.compare(one.name, other.name, areASCII: fields.names.isASCII)
      return order == 0 ? one.side == .clean && other.side == .noisy : order < 0
    }
    if !zip(entries, entries.dropFirst()).allSatisfy({ precedes($0, $1) }) {
      entries.sort(by: precedes)
    }
    var table = PackTable(capacity: entries.count / 2)
    var item = 0
    while item < entries.count {
      let clean = entries[item]
      func bad(_ entry: Entry, _ reason: String) -> PackedCorpusError {
        .badRecording(path: path, name: fields.names.text(entry.field), reason: reason)
      }
      guard clean.side == .clean else { throw bad(clean, "has no clean side") }
      guard item + 1 < entries.count, entries[item + 1].side == .noisy,
        entries[item + 1].split == clean.split,
        NameTable.compare(entries[item + 1].name, clean.name) == 0
      else { throw bad(clean, "has no noisy side") }
      let noisy = entries[item + 1]
      let counts = [clean, noisy].map { fields.fields[$0.field].shape[0] }
      guard counts[0] == counts[1] else {
        throw bad(
          noisy, "has \(NumberText.count(counts[1], "sample")), its clean side \(counts[0])")
      }
      table.append(
        clean.split, clean.name, clean: side(clean), noisy: side(noisy), sampleCount: counts[0])
      item += 2
    }
    return table
  }

  private func entry(_ item: Int, _ block: Int) throws(PackedCorpusError) -> Entry {
    let field = fields.fields[item]
    func bad(_ reason: String) -> PackedCorpusError {
      .badRecording(path: path, name: fields.names.text(item), reason: reason)
    }
    guard PackedRecording.Encoding(dtype: field.dtype) != nil else {
      throw bad("has the type \(field.dtype), not I16 or F32")
    }
    guard field.shape.count == 1, field.shape[0] > 0 else {
      throw bad("has the shape \(field.shape), not that of samples")
    }
    let parts = fields.names[item].split(
      separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[2].isEmpty,
      let split = CorpusSplit.allCases.first(where: { parts[0].elementsEqual($0.rawValue.utf8) }),
      layout.ownSplits.contains(split),
      let side = CorpusSide.allCases.first(where: { parts[1].elementsEqual($0.rawValue.utf8) })
    else { throw bad("is not named split/side/name") }
    return Entry(split: split, side: side, name: parts[2], field: item, block: block)
  }

  private func side(_ entry: Entry) -> PackedPair.Side {
    let field = fields.fields[entry.field]
    return PackedPair.Side(
      offset: fields.dataStart + field.begin,
      encoding: PackedRecording.Encoding(dtype: field.dtype) ?? .int16, block: entry.block)
  }

  private func number(_ split: CorpusSplit) -> Int {
    CorpusSplit.allCases.firstIndex(of: split) ?? 0
  }

  /// The bytes of the tensor `field`, which go into `sum` piece by piece; none unless `keeping`.
  private func bytes(
    _ field: PackFields.Field, keeping: Bool = true, adding sum: inout CRC32C
  ) throws(PackedCorpusError) -> MappedBytes {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw unreadable() }
    defer { close(file) }
    let count = field.end - field.begin
    let pieceByteCount = 1 << 20
    var failure: PackedCorpusError?
    let bytes = MappedBytes(keeping ? count : min(count, pieceByteCount)) { target in
      var done = 0
      while done < count {
        let wanted = min(pieceByteCount, count - done)
        let piece = UnsafeMutableRawBufferPointer(
          rebasing: keeping ? target[done..<done + wanted] : target[..<wanted])
        let read = pread(
          file, piece.baseAddress, wanted, off_t(fields.dataStart + field.begin + done))
        if read < 0 && errno == EINTR { continue }
        if read <= 0 {
          failure = unreadable()
          return
        }
        sum.add(UnsafeRawBufferPointer(rebasing: piece[..<read]))
        done += read
      }
    }
    if let failure { throw failure }
    return bytes
  }

  private func unreadable() -> PackedCorpusError {
    .notWhole(reason: "\(path) cannot be read: \(String(cString: strerror(errno)))")
  }
}
