import Files
import Testing

/// Random harm to the bytes of a file, of the kinds that befall files: bits that flip, blocks that
/// are zeros, missing or doubled, ends that were not copied, bytes of other files, and numbers
/// that somebody edited.
public struct Damage {
  private var random: SplitMix64

  /// The damages of `seed`; each call of `harmed` gives the next one.
  public init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// A copy of `bytes` with one to three kinds of harm, most often one.
  public mutating func harmed(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    for _ in 0..<[1, 1, 1, 2, 3][random.below(5)] where !result.isEmpty { harm(&result) }
    return result
  }

  private mutating func harm(_ bytes: inout [UInt8]) {
    // Headers are small and decide most, so every second harm is to the first bytes.
    let reach = random.below(2) == 0 ? min(bytes.count, 128) : bytes.count
    let place = random.below(reach)
    let length = 1 + random.below(min(bytes.count - place, [8, 64, 4096][random.below(3)]))
    let part = place..<place + length
    switch random.below(10) {
    case 0: bytes[place] ^= 1 << UInt8(random.below(8))
    case 1: bytes[place] = UInt8(random.below(256))
    case 2: bytes.replaceSubrange(part, with: repeatElement(0, count: length))
    case 3: for index in part { bytes[index] = UInt8(random.below(256)) }
    case 4: bytes.removeSubrange(part)
    case 5: bytes.insert(contentsOf: bytes[part], at: random.below(bytes.count))
    case 6: bytes.removeLast(bytes.count - place)
    case 7: bytes.insert(contentsOf: (0..<length).map { _ in UInt8(random.below(256)) }, at: place)
    case 8: setInteger(in: &bytes, at: place)
    default: setNumber(in: &bytes, near: place)
    }
  }

  /// Writes a two-, four- or eight-byte integer at a limit, as in the lengths of binary headers.
  private mutating func setInteger(in bytes: inout [UInt8], at place: Int) {
    let values: [UInt64] = [
      0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_f000, 0x7fff_ffff, 0x8000_0000,
      0xffff_fff0, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, .max,
    ]
    let value = values[random.below(values.count)]
    let width = [2, 4, 8][random.below(3)]
    let isBig = random.below(2) == 0
    for index in 0..<width where place + index < bytes.count {
      let shift = UInt64(8 * (isBig ? width - 1 - index : index))
      bytes[place + index] = UInt8(truncatingIfNeeded: value >> shift)
    }
  }

  /// Replaces the next number of a text, or inserts one where there is none.
  private mutating func setNumber(in bytes: inout [UInt8], near place: Int) {
    let texts = [
      "0", "-1", "-9223372036854775808", "9223372036854775807", "18446744073709551616", "1e400",
      "-1e308", "1e18", "0.5", "NaN", "Infinity", "null", "\"\"", "[]", "{}",
    ]
    let text = Array(texts[random.below(texts.count)].utf8)
    let isPartOfNumber = { (byte: UInt8) in (0x30...0x39).contains(byte) || byte == 0x2e }
    let start = bytes[place...].firstIndex(where: isPartOfNumber) ?? place
    let end = bytes[start...].firstIndex { !isPartOfNumber($0) } ?? bytes.endIndex
    bytes.replaceSubrange(start..<max(start, end), with: text)
  }
}

/// Expects of 300 damaged copies of a file that each is read or refused in one sentence, and that
/// some are refused.
///
/// `read` throws the error that a user would see. Everything that a reader does besides, a trap,
/// the want of a terabyte or an endless loop, ends the tests.
public func expectSentences(
  seed: UInt64, of whole: [UInt8], _ sourceLocation: SourceLocation = #_sourceLocation,
  reading read: ([UInt8]) throws -> Void
) {
  var damage = Damage(seed: seed)
  var refusals = 0
  for number in 0..<300 {
    do {
      try read(damage.harmed(whole))
    } catch {
      refusals += 1
      let text = "\(error)"
      let foreign = ["Error Domain=", "DecodingError", "EncodingError", "Debug description"]
      #expect(
        !text.contains("\n") && text.count < 1000 && !foreign.contains { text.contains($0) },
        "damage \(number) of seed \(seed): \(text)", sourceLocation: sourceLocation)
    }
  }
  #expect(refusals > 0, sourceLocation: sourceLocation)
}
