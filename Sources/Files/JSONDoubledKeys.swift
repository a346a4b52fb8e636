extension JSONValue {
  /// The first key that an object of the JSON document `text` has twice, and the line, from 1, of
  /// its second place; nil if there is none. Parsers keep one of the two values in silence.
  public static func firstDoubledKey(in text: [UInt8]) -> (key: String, line: Int)? {
    // Keys of the objects around the place; nil for a list.
    var open: [Set<String>?] = []
    var line = 1
    var at = 0
    var isKeyExpected = false
    while at < text.count {
      defer { at += 1 }
      switch text[at] {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: "{"):
        open.append([])
        isKeyExpected = true
      case UInt8(ascii: "["):
        open.append(nil)
        isKeyExpected = false
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        _ = open.popLast()
        isKeyExpected = false
      case UInt8(ascii: ","): isKeyExpected = (open.last ?? nil) != nil
      case UInt8(ascii: "\""):
        let start = at
        at += 1
        while at < text.count, text[at] != UInt8(ascii: "\"") {
          at += text[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard isKeyExpected, at < text.count, var keys = open.last ?? nil else { continue }
        isKeyExpected = false
        // As a document of its own, which resolves the escapes.
        let quoted = Array(text[start...at])
        let key =
          (try? JSONValue(parsing: quoted))?.string ?? String(decoding: quoted, as: UTF8.self)
        if !keys.insert(key).inserted { return (key, line) }
        open[open.count - 1] = keys
      default: break
      }
    }
    return nil
  }
}
