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

  /// Opens and verifies, as every loader does.
  private func read(_ data: Data) throws(SafetensorsError) -> SafetensorsFile {
    let file = try SafetensorsFile(data: data, path: "f")
    try file.verifyChecksums(path: "f")
    return file
  }

  private func contents(_ file: SafetensorsFile) -> [String] {
    file.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      + file.entries.map { "\($0.name) \($0.dtype) \($0.shape) \((try? $0.floats()) ?? [])" }
  }

  @Test func everyGroupHasAChecksumAndTheFileStaysReadable() throws {
    let data = file.addingChecksums().serialized()
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
      contents(back).filter { !$0.hasPrefix("checksum.") }
        == contents(
          try read(
            file.serialized())))
    // Once more: the old ones count for nothing.
    #expect(back.addingChecksums().serialized() == data)
    // The value of one, computed by hand: CRC-32C of the four bytes of 8.0 as float32.
    #expect(back.metadata["checksum.adam.exp_avg"] == "fb77d578")
  }

  @Test func anyFlippedBitIsRefusedOrChangesNothing() throws {
    let whole = file.addingChecksums().serialized()
    let expected = contents(try read(whole))
    var accepted = 0
    for bit in 0..<whole.count * 8 {
      var data = whole
      data[bit / 8] ^= 1 << (bit % 8)
      guard let read = try? read(data) else { continue }
      accepted += 1
      #expect(contents(read) == expected, "bit \(bit) was changed unseen")
    }
    // Padding and the case of hexadecimal escapes, at the most.
    #expect(accepted < 8 * 8)
  }

  @Test(arguments: [
    ("weights", 0), ("weights", 24), ("adam.exp_avg", 28), ("adam.exp_avg_sq", 32), ("ema", 36),
  ])
  func theGroupIsNamed(group: String, offset: Int) throws {
    var data = file.addingChecksums().serialized()
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
      var metadata = file.addingChecksums().metadata
      metadata[key] = nil
      let data = SafetensorsFile(entries: file.entries, metadata: metadata).serialized()
      #expect(throws: SafetensorsError.self) { try read(data) }
    }
  }
}
