/// The kinds of file that are often found in the place of a recording, by their first bytes.
enum ForeignContents {
  /// The kind of contents of a file that is no recording, with the remedy, as a clause after
  /// "is no recording but"; nil if it is not known.
  static func description(_ source: AudioSource) -> String? {
    let count = min(source.byteCount, 512)
    guard count > 0, let start = source.bytes(at: 0, count: count) else { return nil }
    let text = String(decoding: start, as: UTF8.self)
    let trimmed = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }.lowercased()
    if text.hasPrefix("version https://git-lfs.github.com/") {
      return "a pointer of Git LFS; run git lfs pull in its repository"
    }
    if text.contains("/annex/objects/") && isText(start) {
      return "a pointer of git-annex; run git annex get in its repository"
    }
    if ["<!doctype html", "<html", "<head"].contains(where: trimmed.hasPrefix) {
      return "an HTML page, perhaps of a failed or refused download; download it again"
    }
    if trimmed.hasPrefix("<?xml") { return "an XML file, perhaps of a failed download" }
    if ["{", "["].contains(where: trimmed.hasPrefix) && isText(start) {
      return "a JSON file, perhaps the answer to a refused download"
    }
    if let kind = compressed(start) {
      return "\(kind), which is not read; convert it first: ffmpeg -i IN -ac 1 OUT.wav"
    }
    if let archive = archive(start) { return "\(archive); unpack it first" }
    if start.allSatisfy({ $0 == 0 }) {
      return "a file that begins with \(count) zeros, as after an interrupted copy; copy it again"
    }
    if isText(start) {
      let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
      return "a text file that begins with \"\(line.prefix(40))\""
    }
    return nil
  }

  /// The name of a compressed or rare audio format that is not read.
  private static func compressed(_ start: [UInt8]) -> String? {
    func has(_ text: String, at offset: Int = 0) -> Bool {
      start.dropFirst(offset).prefix(text.utf8.count).elementsEqual(text.utf8)
    }
    // An MPEG frame begins with eleven ones; layer 0 and version 1 do not exist.
    let isMPEG =
      start.count > 2 && start[0] == 0xFF && start[1] & 0xE0 == 0xE0 && start[1] & 0x06 != 0
      && start[1] & 0x18 != 0x08 && start[2] & 0xF0 != 0xF0
    if isMPEG || has("ID3") { return "an MP3 file" }
    if has("ftyp", at: 4) { return "an MP4 or M4A file" }
    if start.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) { return "a Matroska or WebM file" }
    if start.starts(with: [0x30, 0x26, 0xB2, 0x75]) { return "a WMA file" }
    if has("#!AMR") { return "an AMR file" }
    if has("ajkg") { return "a Shorten file" }
    if has("wvpk") { return "a WavPack file" }
    if has("MAC ") { return "a Monkey's Audio file" }
    if has("FORM") { return "an IFF file" }
    if has("Creative Voice File") { return "a VOC file" }
    return nil
  }

  private static func archive(_ start: [UInt8]) -> String? {
    if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return "a ZIP archive" }
    if start.starts(with: [0x1F, 0x8B]) { return "a gzip file" }
    if start.starts(with: Array("BZh".utf8)) { return "a bzip2 file" }
    if start.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A]) { return "an xz file" }
    if start.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return "a Zstandard file" }
    if start.count >= 262 && start[257..<262].elementsEqual("ustar".utf8) { return "a tar archive" }
    return nil
  }

  /// Whether the bytes are text in ASCII or UTF-8, apart from a character cut at the end.
  private static func isText(_ bytes: [UInt8]) -> Bool {
    if bytes.contains(where: { $0 < 0x20 && ![0x09, 0x0A, 0x0C, 0x0D].contains($0) || $0 == 0x7F })
    {
      return false
    }
    return (0...min(3, bytes.count - 1)).contains { cut in
      String(validating: bytes.dropLast(cut), as: UTF8.self) != nil
    }
  }
}
