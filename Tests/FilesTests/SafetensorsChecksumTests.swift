import Files
import Foundation
import Testing

/// Checksums in the metadata: damage is refused, or changes nothing.
@Suite struct SafetensorsChecksumTests {
  private let file = SafetensorsFile(
    entries: [
      .init(name: "b.weight", shape: [2, 3], values: [1, 2, 3, 4, 5, 6]),
      .init(name: "a", shape: [], values: [7]),
      .init(name: "empty", shape: [0, 2], values: [Float]()),
      .init(name: "adam.exp_avg.a", shape: [1], values: [8]),
      .init(name: "adam.exp_avg_sq.a", shape: [1], values: [9]),
      .init(name: "ema.a", shape: [1], values: [10]),
    ], metadata: ["progress": "{\"step\":12}", "text": "ä \"quoted\"\n/"])

  private let groups = ["adam.exp_avg", "adam.exp_avg_sq", "ema", "frozen"]

  /// Opens and verifies, as every loader does.
  private func read(_ data: Data) throws(SafetensorsError) -> SafetensorsFile {
    let file = try SafetensorsFile(data: data, path: "f")
    try file.verifyChecksums(path: "f")
    return file
  }

  private func contents(_ file: SafetensorsFile) throws -> [String] {
    try file.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      + file.entries.map { "\($0.name) \($0.dtype) \($0.shape) \(try $0.floats())" }
  }

  @Test func everyGroupHasAChecksumAndTheFileStaysReadable() throws {
    let data = file.addingChecksums(groups: groups).serialized()
    let back = try read(data)
    #expect(back.hasChecksums && !file.hasChecksums)
    let keys = back.metadata.keys.filter { $0.hasPrefix("checksum.") }.sorted()
    #expect(
      keys == [
        "checksum.adam.exp_avg", "checksum.adam.exp_avg_sq", "checksum.ema", "checksum.header",
        "checksum.weights",
      ])
    #expect(keys.allSatisfy { back.metadata[$0]?.count == 8 })
    #expect(
      try contents(back).filter { !$0.hasPrefix("checksum.") }
        == contents(
          read(
            file.serialized())))
    // Once more: the old ones count for nothing.
    #expect(back.addingChecksums(groups: groups).serialized() == data)
    // The value of one, computed by hand: CRC-32C of the four bytes of 8.0 as float32.
    #expect(back.metadata["checksum.adam.exp_avg"] == "fb77d578")
  }

  @Test func anyFlippedBitIsRefusedOrChangesNothing() throws {
    let whole = file.addingChecksums(groups: groups).serialized()
    let expected = try contents(try read(whole))
    var accepted = 0
    for bit in 0..<whole.count * 8 {
      var data = whole
      data[bit / 8] ^= 1 << (bit % 8)
      guard let read = try? read(data) else { continue }
      accepted += 1
      #expect(try contents(read) == expected, "bit \(bit) was changed unseen")
    }
    // Padding and the case of hexadecimal escapes, at the most.
    #expect(accepted < 8 * 8)
  }

  @Test(arguments: [
    ("weights", 0), ("weights", 24), ("adam.exp_avg", 28), ("adam.exp_avg_sq", 32), ("ema", 36),
  ])
  func theGroupIsNamed(group: String, offset: Int) throws {
    var data = file.addingChecksums(groups: groups).serialized()
    let start = data.count - 40
    data[start + offset] ^= 4
    let error = #expect(throws: SafetensorsError.self) { try read(data) }
    guard case .checksumMismatch("f", group, _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(
      error?.description.hasPrefix(
        "f: the file is damaged: the checksum of its tensors of ") == true)
  }

  @Test func aMissingChecksumIsNoOlderFile() throws {
    for key in ["checksum.header", "checksum.ema"] {
      var metadata = file.addingChecksums(groups: groups).metadata
      metadata[key] = nil
      let data = SafetensorsFile(entries: file.entries, metadata: metadata).serialized()
      #expect(throws: SafetensorsError.self) { try read(data) }
    }
  }

  @Test func theFileNamesItsGroups() throws {
    let file = SafetensorsFile(
      entries: ["a.b.c", "a.b", "a.c", "header.a", "ab", "other.a"].map {
        .init(name: $0, shape: [1], values: [1])
      }, metadata: [:])
    let whole = file.addingChecksums(groups: ["a", "a.b", "header", "none"])
    #expect(
      whole.metadata.keys.sorted() == [
        "checksum.a", "checksum.a.b", "checksum.header", "checksum.weights",
      ])
    _ = try read(whole.serialized())
    // In a.b: one tensor; in a: a.b and a.c; the others are weights.
    func checksum(_ count: Int) -> String {
      var checksum = CRC32C()
      for _ in 0..<count { Swift.withUnsafeBytes(of: Float(1)) { checksum.add($0) } }
      return checksum.text
    }
    #expect(whole.metadata["checksum.a.b"] == checksum(1))
    #expect(whole.metadata["checksum.a"] == checksum(2))
    #expect(whole.metadata["checksum.weights"] == checksum(3))
  }
}
