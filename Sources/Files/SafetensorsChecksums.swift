import Foundation

/// Checksums inside a safetensors file, stored as text in its metadata, so that other programs can
/// still read the file and ours detects damage that the format itself does not.
///
/// Every checksum is a CRC-32C in eight hexadecimal digits. `checksum.GROUP` covers the bytes of a
/// group's tensors in the order of their data; `checksum.header` covers all other metadata and the
/// tensors' names, types, shapes and byte ranges. A tensor belongs to the group whose name and a
/// dot begin its own, and without such a group to `weights`. In the header's checksum a text is its
/// length in bytes and its UTF-8, a number is 64 bits, little-endian:
///
///     number of other keys; by key: key, text
///     number of tensors; in the order of their data: name, type, number of axes, extents, begin,
///     end
///
/// So a flipped bit changes a checksum, or is in the padding of the header and changes nothing.
extension SafetensorsFile {
  /// Prefix of the metadata keys of checksums.
  public static let checksumPrefix = "checksum."
  private static let header = "header"
  private static let headerKey = checksumPrefix + header
  private static let otherTensors = "weights"

  /// Whether the file contains checksums; files of other programs do not.
  public var hasChecksums: Bool {
    metadata.keys.contains { $0.hasPrefix(Self.checksumPrefix) }
  }

  /// A copy of the file with checksums in its metadata: one for each of `groups` that has a tensor,
  /// one for all other tensors, and one for the header.
  public func addingChecksums(groups: [String] = []) -> SafetensorsFile {
    var metadata = metadata.filter { !$0.key.hasPrefix(Self.checksumPrefix) }
    for (group, checksum) in checksums(of: groups) {
      metadata[Self.checksumPrefix + group] = checksum.text
    }
    metadata[Self.headerKey] = headerChecksum(metadata).text
    return SafetensorsFile(entries: entries, metadata: metadata)
  }

  /// Compares the contents with the checksums, if there are any.
  ///
  /// - Throws: `SafetensorsError.checksumMismatch` or `.checksumMissing`, naming `path` and the
  ///   group.
  public func verifyChecksums(path: String) throws(SafetensorsError) {
    guard hasChecksums else { return }
    // The header comes first because the names of tensors and groups depend on it.
    try verify(Self.header, headerChecksum(metadata), path: path)
    let groups = metadata.keys.filter { $0.hasPrefix(Self.checksumPrefix) }
      .map { String($0.dropFirst(Self.checksumPrefix.count)) }
    for (group, checksum) in checksums(of: groups).sorted(by: { $0.key < $1.key }) {
      try verify(group, checksum, path: path)
    }
  }

  private func verify(
    _ group: String, _ computed: CRC32C, path: String
  ) throws(SafetensorsError) {
    guard let stored = metadata[Self.checksumPrefix + group] else {
      throw .checksumMissing(path: path, group: group)
    }
    if stored != computed.text {
      throw .checksumMismatch(
        path: path, group: group, stored: stored, computed: computed.text)
    }
  }

  private func checksums(of groups: [String]) -> [String: CRC32C] {
    // One group's name may begin another's.
    let longestFirst = groups.filter { $0 != Self.header }.sorted { $0.count > $1.count }
    var checksums: [String: CRC32C] = [:]
    for entry in placedEntries.map(\.entry) {
      let group = longestFirst.first { entry.name.hasPrefix($0 + ".") } ?? Self.otherTensors
      entry.withBytes { checksums[group, default: CRC32C()].add($0) }
    }
    return checksums
  }

  /// The tensors with their byte ranges, in the order in which a reader finds them: by range and
  /// name.
  private var placedEntries: [(begin: Int, end: Int, entry: Entry)] {
    var begin = 0
    let all = entries.map { entry in
      defer { begin += entry.byteCount }
      return (begin: begin, end: begin + entry.byteCount, entry: entry)
    }
    return all.sorted { ($0.begin, $0.end, $0.entry.name) < ($1.begin, $1.end, $1.entry.name) }
  }

  private func headerChecksum(_ metadata: [String: String]) -> CRC32C {
    var checksum = CRC32C()
    let others = metadata.filter { $0.key != Self.headerKey }.sorted { $0.key < $1.key }
    checksum.add(others.count)
    for (key, text) in others {
      checksum.add(key)
      checksum.add(text)
    }
    checksum.add(entries.count)
    for (begin, end, entry) in placedEntries {
      checksum.add(entry.name)
      checksum.add(entry.dtype)
      checksum.add(entry.shape.count)
      for extent in entry.shape { checksum.add(extent) }
      checksum.add(begin)
      checksum.add(end)
    }
    return checksum
  }
}

extension CRC32C {
  fileprivate mutating func add(_ text: String) {
    let bytes = Array(text.utf8)
    add(bytes.count)
    bytes.withUnsafeBytes { add($0) }
  }

  fileprivate mutating func add(_ number: Int) {
    Swift.withUnsafeBytes(of: Int64(number).littleEndian) { add($0) }
  }
}
