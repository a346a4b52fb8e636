import Files
import Testing

@Suite struct SHA256Tests {
  private func text(_ bytes: [UInt8]) -> String {
    SHA256.hash(of: bytes).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  /// The examples of the standard, and of the empty message.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      String(repeating: "a", count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
  ])
  func knownHashes(message: String, hash: String) { #expect(text(Array(message.utf8)) == hash) }

  /// Around the lengths at which another block begins; the sums of all of them, of another program.
  @Test func everyLengthOfTheLastBlock() {
    let all = (0...130).flatMap { SHA256.hash(of: [UInt8](repeating: 0x5a, count: $0)) }
    #expect(text(all) == "0102204c254b3674440f6d5aded67561a42f6862b23715862531a7431044be3e")
  }
}
