import Files
import Foundation

/// The pairs that a run was last started with, kept in its folder: so that a resume reads no header
/// again, and knows what has been added and removed since.
///
/// A safetensors file: `records` and `names` are the table of the `UtteranceIndex`, and `files` has
/// the facts of both files of a pair (`FileFacts`), where they are files of their own.
package struct RememberedPairs: Sendable {
  /// The pairs.
  package let index: UtteranceIndex
  /// Number of utterances that were validated, if not all; of a validation set only.
  package let spreadCount: Int?
  private let facts: MappedBytes

  private static let format = "disttrain-utterances-1"
  private static let formatKey = "format"
  private static let headKey = "index"
  private static let countKey = "validation_count"
  private static let checksumKey = "checksum"
  private static let recordsName = "records"
  private static let filesName = "files"
  private static let namesName = "names"

  /// Writes the pairs of `index` to the file at `url`, with the `facts` of their files; none for
  /// recordings of a pack.
  package static func write(
    _ index: UtteranceIndex, facts: [FileFacts.Pair], spreadCount: Int?, to url: URL
  ) throws {
    let recordByteCount = index.recordByteCount
    let recordsEnd = index.count * recordByteCount
    var fields: [SafetensorsHeader.Field] = []
    func add(_ name: String, _ dtype: String, _ shape: [Int], _ byteCount: Int) {
      let begin = fields.last?.end ?? 0
      fields.append(
        .init(name: name, dtype: dtype, shape: shape, begin: begin, end: begin + byteCount))
    }
    add(recordsName, "I64", [index.count, recordByteCount / 8], recordsEnd)
    if !facts.isEmpty {
      add(
        filesName, "I64", [index.count, 2, FileFacts.Pair.byteCount / 16],
        facts.count * FileFacts.Pair.byteCount)
    }
    let nameByteCount = index.table.count - recordsEnd
    add(namesName, "U8", [nameByteCount], nameByteCount)
    let head = String(decoding: try JSONEncoder().encode(index.head), as: UTF8.self)
    try index.table.withBytes { table in
      try facts.withUnsafeBytes { facts in
        let pieces = [
          UnsafeRawBufferPointer(rebasing: table[..<recordsEnd]), facts,
          UnsafeRawBufferPointer(rebasing: table[recordsEnd...]),
        ].filter { !$0.isEmpty }
        var metadata = [formatKey: format, headKey: head]
        if let spreadCount { metadata[countKey] = "\(spreadCount)" }
        metadata[checksumKey] = checksum(metadata, pieces)
        let header = [UInt8](SafetensorsHeader.serialized(fields: fields, metadata: metadata))
        try header.withUnsafeBytes { try AtomicFile.write([$0] + pieces, to: url) }
      }
    }
  }

  private static func checksum(
    _ metadata: [String: String], _ pieces: [UnsafeRawBufferPointer]
  ) -> String {
    var sum = CRC32C()
    for key in metadata.keys.sorted() where key != checksumKey {
      Array("\(key)\0\(metadata[key] ?? "")\0".utf8).withUnsafeBytes { sum.add($0) }
    }
    for piece in pieces { sum.add(piece) }
    return sum.text
  }

  /// Reads the file at `url`; nil if it is not there or not whole: then everything is read anew.
  package init?(contentsOf url: URL) {
    guard let header = try? SafetensorsHeader(contentsOf: url),
      header.metadata[Self.formatKey] == Self.format,
      let text = header.metadata[Self.headKey],
      let head = try? JSONDecoder().decode(UtteranceIndex.Head.self, from: Data(text.utf8)),
      let data = try? Data(contentsOf: url)
    else { return nil }
    func bytes(_ name: String) -> [UInt8] {
      guard let field = header.fields.first(where: { $0.name == name }) else { return [] }
      return [UInt8](data[header.dataStart + field.begin..<header.dataStart + field.end])
    }
    let (records, files, names) = (
      bytes(Self.recordsName), bytes(Self.filesName), bytes(Self.namesName)
    )
    let sum = records.withUnsafeBytes { records in
      files.withUnsafeBytes { files in
        names.withUnsafeBytes { Self.checksum(header.metadata, [records, files, $0]) }
      }
    }
    guard sum == header.metadata[Self.checksumKey] else { return nil }
    let index = UtteranceIndex(head: head, table: MappedBytes(records + names))
    guard head.count >= 0, records.count == head.count * index.recordByteCount,
      files.isEmpty || files.count == head.count * FileFacts.Pair.byteCount
    else { return nil }
    self.index = index
    facts = MappedBytes(files)
    spreadCount = header.metadata[Self.countKey].flatMap { Int($0) }
  }

  /// The facts of the files of the pair number `item`; nil if it is of a pack.
  private func facts(_ item: Int) -> FileFacts.Pair? {
    facts.count == 0
      ? nil : facts.load(item * FileFacts.Pair.byteCount, as: FileFacts.Pair.self)
  }

  /// A search for pairs in the order of their names.
  func cursor() -> Cursor { Cursor(pairs: self) }

  struct Cursor {
    fileprivate let pairs: RememberedPairs
    private var item = 0

    fileprivate init(pairs: RememberedPairs) { self.pairs = pairs }

    /// The facts of the pair of files with the text `text` of their `FileNames`, which comes after
    /// the one that was asked for before.
    mutating func facts(_ text: ArraySlice<UInt8>) -> FileFacts.Pair? {
      let name = text.prefix { $0 != 0 }
      while item < pairs.index.count {
        let other = pairs.index.nameBytes(item)
        let order = NameTable.compare(other.prefix { $0 != 0 }, name)
        if order > 0 { return nil }
        item += 1
        if order == 0 { return other == text ? pairs.facts(item - 1) : nil }
      }
      return nil
    }
  }
}

/// How one set of pairs differs from another.
package struct PairDifference: Equatable, Sendable {
  /// Pairs that only the new set has.
  package var added = 0
  /// Pairs that only the old set had.
  package var removed = 0
  /// Pairs with another length.
  package var changed = 0

  /// Difference between the pairs `items` of `old` and the pairs `newItems` of `new`.
  package init(
    from old: UtteranceIndex, _ items: [Int], to new: UtteranceIndex, _ newItems: [Int]
  ) {
    var (left, right) = (0, 0)
    while left < items.count || right < newItems.count {
      let order =
        left == items.count
        ? 1
        : right == newItems.count
          ? -1 : Self.order(old.name(items[left]), new.name(newItems[right]))
      if order < 0 { removed += 1 }
      if order > 0 { added += 1 }
      if order == 0, old.sampleCount(items[left]) != new.sampleCount(newItems[right]) {
        changed += 1
      }
      if order <= 0 { left += 1 }
      if order >= 0 { right += 1 }
    }
  }

  private static func order(_ one: String, _ other: String) -> Int {
    one == other ? 0 : one < other ? -1 : 1
  }

  /// The counts as text, such as "3 added, 1 removed"; empty if there is no difference.
  package var text: String {
    [(added, "added"), (removed, "removed"), (changed, "of another length")]
      .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }
}
