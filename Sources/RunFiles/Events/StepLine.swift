import Files
import Foundation

/// Reads the lines of steps without a JSON decoder: a long run has hundreds of thousands of them,
/// and the decoder takes twenty times as long.
///
/// It reads what `RunEvent.line` writes: one flat object without blanks and escapes, of numbers,
/// truth values, nulls and short texts, in any order. All other lines, damaged ones and those of
/// another kind included, are left to the decoder, so that it alone decides what is an event.
package struct StepLine {
  /// The bytes of a key, or of a value, quotes included.
  private typealias Token = UnsafeRawBufferPointer
  private var members: [(key: Token, value: Token)]

  /// The event in `line`; nil if only the decoder can tell what the line is.
  package static func event(in line: UnsafeRawBufferPointer) -> LoggedEvent? {
    guard let tokens = StepLine(line), let kind = tokens["event"].flatMap(text),
      kind == RunEvent.Step.name
    else { return nil }
    var time: String?
    if let value = tokens["time"] {
      guard let text = text(value) else { return nil }
      time = text
    }
    var reader = Reader(tokens: tokens)
    var step = RunEvent.Step()
    guard (try? step.visit(&reader)) != nil,
      // The values of keys that only later versions know, or no version, are not looked at here.
      reader.foundCount + (time == nil ? 1 : 2) == tokens.members.count
    else { return nil }
    return LoggedEvent(time: time, event: .step(step))
  }

  // MARK: Tokens

  /// Members of a line at most; a step has ten.
  private static let limit = 24

  private init?(_ line: UnsafeRawBufferPointer) {
    guard line.count >= 2, line.first == UInt8(ascii: "{"), line.last == UInt8(ascii: "}") else {
      return nil
    }
    members = []
    members.reserveCapacity(10)
    var at = 1
    let end = line.count - 1
    while true {
      guard let key = Self.string(in: line, at: &at, end: end), at < end,
        line[at] == UInt8(ascii: ":")
      else { return nil }
      at += 1
      guard let value = Self.value(in: line, at: &at, end: end), members.count < Self.limit,
        // Which of two equal keys counts is the decoder's affair.
        !members.contains(where: { Self.isEqual($0.key, key) })
      else { return nil }
      members.append((key, value))
      if at == end { return }
      guard line[at] == UInt8(ascii: ",") else { return nil }
      at += 1
    }
  }

  /// The string at `at`, without its quotes; nil unless it is one of printable ASCII.
  private static func string(
    in line: UnsafeRawBufferPointer, at: inout Int, end: Int
  ) -> Token? {
    guard at < end, line[at] == UInt8(ascii: "\"") else { return nil }
    let start = at + 1
    at = start
    while at < end {
      let byte = line[at]
      if byte == UInt8(ascii: "\"") {
        at += 1
        return Token(rebasing: line[start..<at - 1])
      }
      if byte < 0x20 || byte > 0x7e || byte == UInt8(ascii: "\\") { return nil }
      at += 1
    }
    return nil
  }

  /// The string, with its quotes, or the word or number at `at`.
  private static func value(
    in line: UnsafeRawBufferPointer, at: inout Int, end: Int
  ) -> Token? {
    let start = at
    if at < end, line[at] == UInt8(ascii: "\"") {
      guard string(in: line, at: &at, end: end) != nil else { return nil }
      return Token(rebasing: line[start..<at])
    }
    while at < end, line[at] != UInt8(ascii: ",") { at += 1 }
    return at > start ? Token(rebasing: line[start..<at]) : nil
  }

  private static func isEqual(_ one: Token, _ other: Token) -> Bool {
    guard one.count == other.count, let base = one.baseAddress, let second = other.baseAddress
    else { return one.count == other.count }
    return memcmp(base, second, one.count) == 0
  }

  private subscript(_ name: String) -> Token? {
    var name = name
    return name.withUTF8 { bytes in
      let key = UnsafeRawBufferPointer(bytes)
      for member in members where member.key.count == key.count && Self.isEqual(member.key, key) {
        return member.value
      }
      return nil
    }
  }

  /// The text of a string token.
  private static func text(_ token: Token) -> String? {
    guard token.count >= 2, token.first == UInt8(ascii: "\"") else { return nil }
    return String(decoding: token[1..<token.count - 1], as: UTF8.self)
  }

  // MARK: Fields

  /// Only the decoder can tell what a value is.
  private struct Unusual: Error {}

  /// Reads the fields of a step out of the tokens.
  private struct Reader: FieldVisitor {
    let tokens: StepLine
    /// Members of the line that are fields of a step.
    private(set) var foundCount = 0

    init(tokens: StepLine) { self.tokens = tokens }

    mutating func visit<Value: FieldValue>(
      _ name: String, _ value: inout Value, isRequired: Bool
    ) throws(Unusual) {
      guard let token = tokens[name] else {
        if isRequired { throw Unusual() }
        return
      }
      foundCount += 1
      if isEqual(token, "null") {
        if isRequired { throw Unusual() }
        return
      }
      if Value.self == Double.self || Value.self == Double?.self {
        guard let number = number(token), let found = number as? Value else { throw Unusual() }
        value = found
      } else if Value.self == Int.self {
        guard let number = integer(token), let found = number as? Value else { throw Unusual() }
        value = found
      } else if Value.self == Bool.self {
        let isTrue = isEqual(token, "true")
        guard isTrue || isEqual(token, "false"), let found = isTrue as? Value else {
          throw Unusual()
        }
        value = found
      } else {
        throw Unusual()
      }
    }

    private func isEqual(_ token: Token, _ text: StaticString) -> Bool {
      StepLine.isEqual(
        token, UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// An integer of up to 15 digits, which always is a count.
    private func integer(_ token: Token) -> Int? {
      guard (1...15).contains(token.count), token.count == 1 || token[0] != UInt8(ascii: "0")
      else { return nil }
      var number = 0
      for byte in token {
        guard (0x30...0x39).contains(byte) else { return nil }
        number = 10 * number + Int(byte - 0x30)
      }
      return number
    }

    /// A number in the form of JSON, rounded as the decoder rounds it.
    private func number(_ token: Token) -> Double? {
      // With two digits of an exponent that is far within the range of doubles.
      guard token.count < 64 else { return nil }
      var at = token.first == UInt8(ascii: "-") ? 1 : 0
      let start = at
      var digits: UInt64 = 0
      var count = 0
      /// Takes up digits, of which 19 fit, and returns how many there are.
      func takeDigits() -> Int {
        let start = at
        while at < token.count, (0x30...0x39).contains(token[at]) {
          digits = 10 &* digits &+ UInt64(token[at] - 0x30)
          count += digits > 0 ? 1 : 0
          at += 1
        }
        return at - start
      }
      let whole = takeDigits()
      guard whole == 1 || (whole > 1 && token[start] != 0x30) else { return nil }
      var decimals = 0
      if at < token.count, token[at] == UInt8(ascii: ".") {
        at += 1
        decimals = takeDigits()
        if decimals == 0 { return nil }
      }
      if at < token.count, token[at] | 0x20 == UInt8(ascii: "e") {
        // The decoder refuses some forms of zero.
        if digits == 0 { return nil }
        at += 1
        guard let exponent = exponent(token[at...]) else { return nil }
        decimals -= exponent
        at = token.count
      }
      guard at == token.count, let base = token.baseAddress else { return nil }
      if count <= 19, let value = Decimal.double(digits, decimals: decimals) {
        return start == 1 ? -value : value
      }
      // A comma or a brace follows in the line and ends the number.
      return strtod(base.assumingMemoryBound(to: CChar.self), nil)
    }

    /// One or two digits with a sign. Larger exponents, near the ends of the range of doubles, are
    /// the decoder's.
    private func exponent(_ bytes: Slice<Token>) -> Int? {
      let isNegative = bytes.first == UInt8(ascii: "-")
      let digits = isNegative || bytes.first == UInt8(ascii: "+") ? bytes.dropFirst() : bytes
      guard (1...2).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) })
      else { return nil }
      let value = digits.reduce(0) { 10 * $0 + Int($1 - 0x30) }
      return isNegative ? -value : value
    }
  }

  /// Decimal numbers of up to 19 digits.
  private enum Decimal {
    private static let powers: [UInt64] = (0...19).map { exponent in
      (0..<exponent).reduce(1) { power, _ in power * 10 }
    }

    /// The double nearest to `digits` / 10^`decimals`; nil unless `decimals` is from 0 to 19.
    ///
    /// The quotient has 63 bits or more, and a remainder sets the last of them, so that rounding it
    /// to the 53 bits of a double is rounding the exact value.
    static func double(_ digits: UInt64, decimals: Int) -> Double? {
      guard powers.indices.contains(decimals) else { return nil }
      if digits == 0 { return 0 }
      let power = powers[decimals]
      let (shift, powerShift) = (digits.leadingZeroBitCount, power.leadingZeroBitCount)
      let dividend = digits << shift
      let (quotient, remainder) = (power << powerShift)
        .dividingFullWidth((dividend >> 1, dividend << 63))
      let bits = Double(remainder == 0 ? quotient : quotient | 1)
      return Double(sign: .plus, exponent: powerShift - shift - 63, significand: bits)
    }
  }
}
