/// Parts of a path, taken from its text.
///
/// Foundation's `NSString.deletingLastPathComponent` ends the program for a name of one character.
package enum PathText {
  /// The last part of `path`; empty for the root.
  package static func name(_ path: String) -> String {
    String(decoding: path.utf8[nameRange(path)], as: UTF8.self)
  }

  /// The path of the folder that `path` lies in: "." for a mere name.
  package static func folder(_ path: String) -> String {
    let bytes = path.utf8
    var end = nameRange(path).lowerBound
    if end == bytes.startIndex { return bytes.first == slash ? "/" : "." }
    while end > bytes.startIndex, bytes[bytes.index(before: end)] == slash {
      end = bytes.index(before: end)
    }
    return end == bytes.startIndex ? "/" : String(decoding: bytes[..<end], as: UTF8.self)
  }

  /// The extension of the last part of `path`, without its dot; empty if there is none, as for a
  /// name that begins with its only dot.
  package static func fileExtension(_ path: String) -> String {
    let name = name(path)
    guard let dot = name.utf8.lastIndex(of: dot), dot > name.startIndex else { return "" }
    return String(decoding: name.utf8[name.utf8.index(after: dot)...], as: UTF8.self)
  }

  /// `path` without the extension and its dot.
  package static func withoutExtension(_ path: String) -> String {
    let ending = fileExtension(path)
    let bytes = path.utf8[..<nameRange(path).upperBound]
    return ending.isEmpty
      ? path : String(decoding: bytes.dropLast(ending.utf8.count + 1), as: UTF8.self)
  }

  private static let slash = UInt8(ascii: "/")
  private static let dot = UInt8(ascii: ".")

  /// The bytes of the last part, before the slashes at the end.
  private static func nameRange(_ path: String) -> Range<String.Index> {
    let bytes = path.utf8
    var end = bytes.endIndex
    while end > bytes.startIndex, bytes[bytes.index(before: end)] == slash {
      end = bytes.index(before: end)
    }
    let start = bytes[..<end].lastIndex(of: slash).map { bytes.index(after: $0) }
    return (start ?? bytes.startIndex)..<end
  }
}
