import Foundation

/// The kind of a file by its first bytes, for messages about a file of the wrong kind.
package enum FileKind {
  /// A noun phrase with its article, such as "a JSON file"; nil for bytes of no known kind.
  package static func name(firstBytes bytes: some Collection<UInt8>) -> String? {
    let start = Array(bytes.prefix(64))
    func begins(_ text: String) -> Bool { start.starts(with: text.utf8) }
    if begins("version https://git-lfs") { return "a pointer of Git LFS (run git lfs pull)" }
    if begins("RIFF") || begins("RF64") { return "a WAV file" }
    if begins("fLaC") { return "a FLAC file" }
    if begins("OggS") { return "an Ogg file" }
    if begins("ID3") { return "an MP3 file" }
    if begins("PK\u{3}\u{4}") { return "a zip archive, such as a checkpoint of PyTorch" }
    if start.first == 0x80, start.count > 1, (2...5).contains(start[1]) {
      return "a pickle of Python"
    }
    if start.starts(with: [0x1f, 0x8b]) { return "a gzip archive" }
    if start.starts(with: [0x89, 0x48, 0x44, 0x46]) { return "an HDF5 file" }
    if start.starts(with: [0x7f, 0x45, 0x4c, 0x46]) { return "a program" }
    let text = start.drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
    guard let first = text.first, start.allSatisfy({ $0 >= 0x20 || (9...13).contains($0) }) else {
      return nil
    }
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["): return "a JSON file"
    case UInt8(ascii: "<"): return "an HTML or XML page"
    default:
      return String(validating: start.dropLast(4), as: UTF8.self) == nil ? nil : "a text file"
    }
  }
}
