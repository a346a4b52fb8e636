import Files
import Foundation

/// The pairs of a split, sorted by name, in a table that takes some fifty bytes a pair and is in
/// memory once a host; a pair is made when it is asked for.
///
/// The table has a record of fixed size for each pair, and behind the records the names one after
/// another. For files of their own a record is `sampleCount`, `nameEnd` (16 bytes), and a name may
/// be followed by the paths of both files, where these are not the name and `.wav`. For recordings
/// of a pack a record is a `PackedPair` (40 bytes).
public struct UtteranceIndex: RandomAccessCollection, Sendable {
  /// Where the recordings lie.
  package enum Source: Codable, Equatable, Sendable {
    /// Files in a folder for each side.
    case folders(clean: String, noisy: String)
    /// Stretches of a pack.
    case pack(PackPlace)
  }

  /// Everything but the table.
  package struct Head: Codable, Equatable, Sendable {
    var source: Source
    /// Number of pairs.
    var count: Int
    /// Samples of all pairs together, of one side.
    var sampleCount: Int
    /// Samples per second, in hertz.
    var sampleRate: Int
    /// Sum of a hash of each pair's name and length, which tells one set of pairs from another.
    var digest: UInt64
  }

  package var head: Head
  let table: MappedBytes

  /// Index of the first pair.
  public var startIndex: Int { 0 }
  /// Number of pairs.
  public var endIndex: Int { head.count }
  /// Samples of all pairs together, of one side.
  public var sampleCount: Int { head.sampleCount }
  /// Bytes of the table, which the ranks of a host share.
  package var byteCount: Int { table.count }

  /// The pair number `item`.
  public subscript(item: Int) -> UtterancePair {
    precondition(indices.contains(item), "UtteranceIndex: pair \(item) of \(count)")
    switch head.source {
    case .folders(let clean, let noisy):
      let entry = entry(item)
      return UtterancePair(
        name: entry.name, clean: .file(path: Self.path(clean, entry.clean)),
        noisy: .file(path: Self.path(noisy, entry.noisy)), sampleCount: sampleCount(item))
    case .pack(let place):
      let pair = table.load(item * PackedPair.byteCount, as: PackedPair.self)
      let name = name(item)
      func recording(_ side: CorpusSide) -> Recording {
        .packed(place.recording(pair, side, name: name, sampleRate: head.sampleRate))
      }
      return UtterancePair(
        name: name, clean: recording(.clean), noisy: recording(.noisy),
        sampleCount: pair.sampleCount)
    }
  }

  /// The name of the pair number `item`.
  public func name(_ item: Int) -> String {
    switch head.source {
    case .folders: entry(item).name
    case .pack: table.text(nameRange(item))
    }
  }

  /// Length of each recording of the pair number `item`, in samples.
  public func sampleCount(_ item: Int) -> Int {
    switch head.source {
    case .folders: table.load(item * recordByteCount, as: Int.self)
    case .pack: table.load(item * recordByteCount, as: PackedPair.self).sampleCount
    }
  }

  /// The `count` pairs that are spread evenly over these; these themselves if they are no more.
  package func spread(count: Int?) -> [UtterancePair] {
    spreadItems(count: count).map { self[$0] }
  }

  /// The sum of a hash of each pair's name and length, for the pairs that `spread` takes.
  package func digest(count wanted: Int?) -> UInt64 {
    guard let wanted, wanted < count else { return head.digest }
    return spreadItems(count: wanted).reduce(0) { sum, item in
      Array(name(item).utf8).withUnsafeBytes { sum &+ Self.hash($0, sampleCount(item)) }
    }
  }

  /// The hash of a pair.
  static func hash(_ name: UnsafeRawBufferPointer, _ sampleCount: Int) -> UInt64 {
    SplitMix64.mix(FNV1a.hash(name) ^ SplitMix64.mix(UInt64(sampleCount)))
  }

  /// The numbers of the pairs that `spread` takes.
  package func spreadItems(count wanted: Int?) -> [Int] {
    guard let wanted, wanted < count else { return Array(0..<count) }
    return (0..<wanted).map { $0 * count / wanted }
  }

  private static func path(_ folder: String, _ file: String) -> String {
    folder.isEmpty ? file : "\(folder)/\(file)"
  }

  /// Bytes of a record.
  var recordByteCount: Int {
    if case .pack = head.source { PackedPair.byteCount } else { Self.fileRecordByteCount }
  }
  static let fileRecordByteCount = 16

  /// The bytes of the table in which the name of pair `item` lies, and what follows it.
  func nameRange(_ item: Int) -> Range<Int> {
    let base = count * recordByteCount
    let field = recordByteCount == Self.fileRecordByteCount ? 8 : PackedPair.nameEndOffset
    func end(_ item: Int) -> Int { table.load(item * recordByteCount + field, as: Int.self) }
    return base + (item == 0 ? 0 : end(item - 1))..<base + end(item)
  }

  /// The bytes of the name of pair `item`, and of what follows it.
  func nameBytes(_ item: Int) -> ArraySlice<UInt8> {
    table.withBytes { Array($0[nameRange(item)])[...] }
  }

  /// Name and relative paths of a pair of files.
  private func entry(_ item: Int) -> FileNames { FileNames(text: table.text(nameRange(item))) }
}

/// The two sides of a pair.
package enum CorpusSide: String, CaseIterable, Sendable {
  case clean, noisy
}

/// Name of a pair of files, and their paths relative to the folders of their sides.
struct FileNames: Equatable {
  var name: String
  /// Empty if the side has no file.
  var clean: String
  /// See `clean`.
  var noisy: String

  /// Whether the paths follow from the name.
  private var areUsual: Bool {
    // By bytes: texts with the same letters in other Unicode forms are equal.
    let usual = "\(name).wav".utf8
    return clean.utf8.elementsEqual(usual) && noisy.utf8.elementsEqual(usual)
  }

  init(name: String, clean: String, noisy: String) {
    self.name = name
    self.clean = clean
    self.noisy = noisy
  }

  /// Reads what `text` gives.
  init(text: String) {
    guard text.utf8.contains(0) else {
      self.init(name: text, clean: "\(text).wav", noisy: "\(text).wav")
      return
    }
    let parts = text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
    self.init(
      name: parts[0], clean: parts.count > 1 ? parts[1] : "", noisy: parts.count > 2 ? parts[2] : ""
    )
  }

  /// The name; with the paths behind it, each after a NUL, unless they are the name and `.wav`.
  var text: String { areUsual ? name : "\(name)\0\(clean)\0\(noisy)" }
}

extension UtteranceIndex {
  /// An index of files anywhere, in the order given, for pairs that are not of one corpus.
  public init(_ pairs: [UtterancePair], sampleRate: Int = 16_000) {
    var writer = UtteranceIndexWriter()
    for pair in pairs {
      guard case .file(let clean) = pair.clean, case .file(let noisy) = pair.noisy else {
        preconditionFailure("UtteranceIndex: \(pair.clean) is no file of its own")
      }
      writer.append(
        FileNames(name: pair.name, clean: clean, noisy: noisy).text, sampleCount: pair.sampleCount)
    }
    self = writer.index(.folders(clean: "", noisy: ""), sampleRate: sampleRate)
  }
}

/// Makes an index, pair by pair.
struct UtteranceIndexWriter {
  private var records: [UInt8] = []
  private var names: [UInt8] = []
  private var count = 0
  private var sampleCount = 0
  private var digest: UInt64 = 0

  /// A writer with room for `count` pairs whose names take `nameByteCount` bytes.
  init(count: Int = 0, recordByteCount: Int = 0, nameByteCount: Int = 0) {
    records.reserveCapacity(count * recordByteCount)
    names.reserveCapacity(nameByteCount)
  }

  /// Adds a pair of files, with the `text` of its `FileNames`.
  mutating func append(_ text: String, sampleCount: Int) {
    let start = names.count
    names += text.utf8
    withUnsafeBytes(of: (sampleCount, names.count)) { records += $0 }
    let hash = names.withUnsafeBytes { bytes in
      let own = UnsafeRawBufferPointer(rebasing: bytes[start...])
      return UtteranceIndex.hash(
        UnsafeRawBufferPointer(rebasing: own.prefix { $0 != 0 }), sampleCount)
    }
    count(hash, sampleCount)
  }

  /// Adds a pair of a pack, whose name is `name` in UTF-8; its place among the names is set here.
  mutating func append(_ pair: PackedPair, name: UnsafeRawBufferPointer) {
    var pair = pair
    names += name
    pair.nameEnd = names.count
    withUnsafeBytes(of: pair) { records += $0 }
    count(UtteranceIndex.hash(name, pair.sampleCount), pair.sampleCount)
  }

  private mutating func count(_ hash: UInt64, _ samples: Int) {
    count += 1
    sampleCount += samples
    digest &+= hash
  }

  /// The index of what was added.
  func index(_ source: UtteranceIndex.Source, sampleRate: Int) -> UtteranceIndex {
    let table = MappedBytes(records.count + names.count) { target in
      records.withUnsafeBytes { target.copyMemory(from: $0) }
      names.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: target[records.count...]).copyMemory(from: $0)
      }
    }
    return UtteranceIndex(
      head: .init(
        source: source, count: count, sampleCount: sampleCount, sampleRate: sampleRate,
        digest: digest), table: table)
  }
}
