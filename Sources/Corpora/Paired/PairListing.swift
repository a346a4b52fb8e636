import Files

/// The files of a split's two folders, matched by name, and what is known of them already: a table
/// like that of `UtteranceIndex`, with facts in the records, that all ranks of a host read.
struct PairListing: Sendable {
  /// The folders of both sides.
  struct Folders: Codable, Sendable {
    var clean: String
    var noisy: String
    var count: Int
  }

  let folders: Folders
  let table: MappedBytes
  private static let recordByteCount = FileFacts.Pair.byteCount + 8

  /// Number of names, with a file on one side or both.
  var count: Int { folders.count }

  init(_ folders: Folders, table: MappedBytes) {
    self.folders = folders
    self.table = table
  }

  /// Matches the files of both sides, and takes from `known` what it has of their facts.
  init(clean: AudioFolder, noisy: AudioFolder, known: RememberedPairs? = nil) {
    var names = NameTable()
    Self.match(clean.files, noisy.files) { names.append($0.text.utf8) }
    var records: [UInt8] = []
    records.reserveCapacity(names.count * Self.recordByteCount)
    var end = 0
    var remembered = known?.cursor()
    for item in 0..<names.count {
      let text = names[item]
      end += text.count
      let parts = text.split(separator: 0, omittingEmptySubsequences: false)
      var facts = remembered?.facts(text) ?? FileFacts.Pair()
      if parts.count == 3 && parts[1].isEmpty { facts.clean = FileFacts(.absent) }
      if parts.count == 3 && parts[2].isEmpty { facts.noisy = FileFacts(.absent) }
      withUnsafeBytes(of: facts) { records += $0 }
      withUnsafeBytes(of: end) { records += $0 }
    }
    folders = Folders(clean: clean.folder, noisy: noisy.folder, count: names.count)
    table = MappedBytes(records.count + names.bytes.count) { target in
      records.withUnsafeBytes { target.copyMemory(from: $0) }
      names.bytes.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: target[records.count...]).copyMemory(from: $0)
      }
    }
  }

  private static func match(
    _ clean: NameTable, _ noisy: NameTable, _ body: (FileNames) -> Void
  ) {
    var (left, right) = (0, 0)
    let areASCII = clean.isASCII && noisy.isASCII
    while left < clean.count || right < noisy.count {
      let order =
        left == clean.count
        ? 1
        : right == noisy.count
          ? -1
          : NameTable.compare(
            AudioFolder.name(clean[left]), AudioFolder.name(noisy[right]), areASCII: areASCII)
      let name = AudioFolder.name(order <= 0 ? clean[left] : noisy[right])
      body(
        FileNames(
          name: String(decoding: name, as: UTF8.self), clean: order <= 0 ? clean.text(left) : "",
          noisy: order >= 0 ? noisy.text(right) : ""))
      if order <= 0 { left += 1 }
      if order >= 0 { right += 1 }
    }
  }

  /// The facts that are known of the pair number `item`.
  func facts(_ item: Int) -> FileFacts.Pair {
    table.load(item * Self.recordByteCount, as: FileFacts.Pair.self)
  }

  /// The text of the `FileNames` of the pair number `item`.
  func text(_ item: Int) -> String {
    func end(_ item: Int) -> Int {
      table.load(
        item * Self.recordByteCount + FileFacts.Pair.byteCount, as: Int.self)
    }
    let base = count * Self.recordByteCount
    return table.text(base + (item == 0 ? 0 : end(item - 1))..<base + end(item))
  }

  func names(_ item: Int) -> FileNames { FileNames(text: text(item)) }

  /// Path of a file of the pair `names`.
  func path(_ names: FileNames, _ side: CorpusSide) -> String {
    side == .clean ? "\(folders.clean)/\(names.clean)" : "\(folders.noisy)/\(names.noisy)"
  }
}
