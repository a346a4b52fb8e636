import Files
import Testing

/// Known values, a bit-by-bit reference, and parts.
@Suite struct CRC32CTests {
  private func reference(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82f6_3b78 : crc >> 1 }
    }
    return ~crc
  }

  /// The check value of the polynomial's catalogues, and the vectors of RFC 3720, B.4.
  @Test func knownValues() {
    #expect(CRC32C(Array("123456789".utf8)).value == 0xe306_9283)
    #expect(CRC32C([UInt8](repeating: 0, count: 32)).value == 0x8a91_36aa)
    #expect(CRC32C([UInt8](repeating: 0xff, count: 32)).value == 0x62a8_ab43)
    #expect(CRC32C((0..<32).map { UInt8($0) }).value == 0x46dd_794e)
    #expect(CRC32C([]).value == 0 && CRC32C([]).text == "00000000")
    #expect(CRC32C(Array("123456789".utf8)).text == "e3069283")
  }

  @Test(arguments: [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 1_000, 4_099, 100_003])
  func equalsTheReference(count: Int) {
    let bytes = (0..<count + 3).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 7) }
    for start in 0..<3 {
      let part = Array(bytes[start..<start + count])
      #expect(CRC32C(part).value == reference(part))
      var pieces = CRC32C()
      bytes.withUnsafeBytes { all in
        let cut = start + count / 3
        pieces.add(UnsafeRawBufferPointer(rebasing: all[start..<cut]))
        pieces.add(UnsafeRawBufferPointer(rebasing: all[cut..<start + count]))
      }
      #expect(pieces.value == reference(part))
    }
  }

  @Test func everyFlippedBitShows() {
    var bytes = (0..<97).map { UInt8($0) }
    let whole = CRC32C(bytes).value
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << (bit % 8)
      #expect(CRC32C(bytes).value != whole)
      bytes[bit / 8] ^= 1 << (bit % 8)
    }
  }
}
