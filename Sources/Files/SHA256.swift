import Foundation

/// SHA-256 of FIPS 180-4, for short texts: a browser runs a script that the page names by it.
/// Foundation has none on Linux, and swift-crypto would add minutes of BoringSSL to every build.
public enum SHA256 {
  /// The 32 bytes of the hash of `bytes`.
  public static func hash(of bytes: [UInt8]) -> [UInt8] {
    // One bit, zeros, and the number of bits, up to a whole number of blocks.
    let zeros = (119 - bytes.count % 64) % 64
    let message =
      bytes + [0x80] + [UInt8](repeating: 0, count: zeros) + bigEndian(UInt64(bytes.count) * 8)
    var state = roots(of: 8, exponent: 1 / 2)
    for start in stride(from: 0, to: message.count, by: 64) {
      let block = stride(from: start, to: start + 64, by: 4).map { place in
        message[place..<place + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      }
      let after = compressed(state, block)
      for i in state.indices { state[i] &+= after[i] }
    }
    return state.flatMap { bigEndian($0) }
  }

  private static let constants = roots(of: 64, exponent: 1 / 3)

  /// The first 32 bits behind the point of roots of the first `count` primes: those numbers that
  /// the standard lists.
  private static func roots(of count: Int, exponent: Double) -> [UInt32] {
    let primes = (2...).lazy.filter { number in (2..<number).allSatisfy { number % $0 != 0 } }
    return primes.prefix(count).map { prime in
      let root = exponent == 1 / 2 ? sqrt(Double(prime)) : cbrt(Double(prime))
      return UInt32((root - root.rounded(.down)) * 0x1p32)
    }
  }

  /// The state a…h after the 64 rounds of a block of 16 words.
  private static func compressed(_ state: [UInt32], _ block: [UInt32]) -> [UInt32] {
    var words = block
    for i in 16..<64 {
      let (early, late) = (words[i - 15], words[i - 2])
      let first = rotated(early, 7) ^ rotated(early, 18) ^ early >> 3
      let second = rotated(late, 17) ^ rotated(late, 19) ^ late >> 10
      words.append(words[i - 16] &+ first &+ words[i - 7] &+ second)
    }
    var s = state
    for i in 0..<64 {
      let (a, b, c) = (s[0], s[1], s[2])
      let (e, f, g) = (s[4], s[5], s[6])
      let mixed = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
      let choice = e & f ^ ~e & g
      let first = s[7] &+ mixed &+ choice &+ constants[i] &+ words[i]
      let other = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
      let majority = a & b ^ a & c ^ b & c
      s = [first &+ other &+ majority, a, b, c, s[3] &+ first, e, f, g]
    }
    return s
  }

  private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
    word >> count | word << (32 - count)
  }

  private static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }
}
