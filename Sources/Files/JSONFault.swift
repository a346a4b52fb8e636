/// The first fault of a text that should be JSON: its place, and what is wrong there.
///
/// Foundation names the byte at which it gave up, which is often not that of the fault.
struct JSONFault {
  /// Line and column, both from 1; the column counts characters of UTF-8.
  let line: Int
  let column: Int
  /// A clause about the fault.
  let reason: String

  /// A clause of an error message.
  var description: String { "line \(line), column \(column): \(reason)" }

  /// Finds the fault of `bytes`; nil if they follow the grammar of JSON.
  init?(_ bytes: [UInt8]) {
    var scanner = Scanner(bytes: bytes)
    do throws(Fault) {
      try scanner.document()
      return nil
    } catch {
      let before = bytes[..<min(error.place, bytes.count)]
      let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      line = before.count { $0 == UInt8(ascii: "\n") } + 1
      column = before[start...].count { $0 & 0xc0 != 0x80 } + 1
      reason = error.reason
    }
  }

  private struct Fault: Error {
    let place: Int
    let reason: String
  }

  /// Reads a text by the grammar of RFC 8259 and keeps nothing of it.
  private struct Scanner {
    let bytes: [UInt8]
    private var at = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func fault(_ reason: String, at place: Int? = nil) -> Fault {
      Fault(place: place ?? at, reason: byte == nil && place == nil ? "the file ends here" : reason)
    }

    private mutating func skipBlanks() {
      while let byte, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { at += 1 }
    }

    mutating func document() throws(Fault) {
      // Without recursion: broken files nest a million lists.
      var ends: [UInt8] = []
      skipBlanks()
      while true {
        try value(&ends)
        // Behind a value: the ends of what it is in, or a comma and the next one.
        while true {
          skipBlanks()
          guard let end = ends.last else {
            if byte != nil { throw fault("nothing may follow the last bracket") }
            return
          }
          if byte == end {
            at += 1
            ends.removeLast()
            continue
          }
          guard byte == UInt8(ascii: ",") else {
            let closing = Character(Unicode.Scalar(end))
            throw fault("a comma or \"\(closing)\" is expected")
          }
          at += 1
          skipBlanks()
          // Foundation reads this, so it is not the fault.
          if byte == end { continue }
          if end == UInt8(ascii: "}") { try key() }
          break
        }
      }
    }

    /// A value that is no list and no object, or the beginning of one up to its first value.
    private mutating func value(_ ends: inout [UInt8]) throws(Fault) {
      while true {
        skipBlanks()
        switch byte {
        case UInt8(ascii: "["):
          at += 1
          skipBlanks()
          ends.append(UInt8(ascii: "]"))
          if byte == UInt8(ascii: "]") { return }
        case UInt8(ascii: "{"):
          at += 1
          skipBlanks()
          ends.append(UInt8(ascii: "}"))
          if byte == UInt8(ascii: "}") { return }
          try key()
        case UInt8(ascii: "\""): return try string()
        case UInt8(ascii: "-")?, (UInt8(ascii: "0")...UInt8(ascii: "9"))?: return try number()
        default: return try word()
        }
      }
    }

    private mutating func key() throws(Fault) {
      guard byte == UInt8(ascii: "\"") else { throw fault("a key in double quotes is expected") }
      try string()
      skipBlanks()
      guard byte == UInt8(ascii: ":") else { throw fault("a colon is expected behind the key") }
      at += 1
    }

    private mutating func word() throws(Fault) {
      for word in ["true", "false", "null"] where bytes[at...].starts(with: word.utf8) {
        at += word.utf8.count
        return
      }
      throw fault("a value is expected: a number, a text in double quotes, true, false or null")
    }

    private mutating func string() throws(Fault) {
      let start = at
      at += 1
      while let byte {
        if byte == UInt8(ascii: "\"") {
          at += 1
          return
        }
        if byte < 0x20 { throw fault("a text in double quotes has no end in its line", at: start) }
        at += byte == UInt8(ascii: "\\") ? 2 : 1
      }
      throw fault("a text in double quotes has no end", at: start)
    }

    /// Skips digits and returns how many.
    private mutating func digits() -> Int {
      let start = at
      while let byte, (0x30...0x39).contains(byte) { at += 1 }
      return at - start
    }

    private mutating func number() throws(Fault) {
      let start = at
      if byte == UInt8(ascii: "-") { at += 1 }
      let first = byte
      let whole = digits()
      if whole == 0 { throw fault("a digit is expected") }
      if whole > 1, first == UInt8(ascii: "0") { throw fault("a number begins with 0", at: start) }
      if byte == UInt8(ascii: ".") {
        at += 1
        if digits() == 0 { throw fault("a digit is expected behind the point") }
      }
      if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
        at += 1
        if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { at += 1 }
        if digits() == 0 { throw fault("a digit is expected in the exponent") }
      }
    }
  }
}
