/// Headers without a tree of chunks: Sun's AU, Sony's Wave64 and NIST SPHERE.
enum PlainHeaders {
  /// The extent of an AU file, big-endian (`.snd`) or little-endian (`dns.`).
  static func au(_ source: AudioSource, at start: Int) -> SampleExtent? {
    guard let head = source.bytes(at: start, count: 24) else { return nil }
    let isBigEndian = head[0] == UInt8(ascii: ".")
    func number(_ index: Int) -> Int {
      let bytes = head[4 * index..<4 * index + 4]
      return isBigEndian ? HeaderNumber.big(bytes) : HeaderNumber.little(bytes)
    }
    let offset = min(start + number(1), source.byteCount)
    let size = number(2)
    let found = source.byteCount - offset
    // The encodings with a size of their own: µ-law and A-law, 8 to 32 bits, float and double.
    let sizes = [1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1]
    var extent = SampleExtent(
      offset: offset, promise: .bytes(size), bytesPerFrame: sizes[number(3)].map { $0 * number(5) })
    if found > 0 && size == 0 || found < size && HeaderNumber.isUnknown32(size) {
      let length = min(found, 0xFFFF_FFFE)
      extent.promise = .toEnd
      extent.patches = [
        AudioSource.Patch(
          offset: start + 8,
          bytes: isBigEndian
            ? HeaderNumber.bigBytes(length, count: 4) : HeaderNumber.littleBytes(length, count: 4))
      ]
    }
    return extent
  }

  /// The extent of a Wave64 file, whose chunks have names of 16 bytes, lengths that include their
  /// 24 bytes of header, and begin at multiples of 8.
  static func wave64(_ source: AudioSource, at start: Int) -> SampleExtent? {
    var bytesPerFrame: Int?
    var position = start + 40
    while let head = source.bytes(at: position, count: 24) {
      let size = HeaderNumber.little(head[16...])
      if head.prefix(4).elementsEqual("fmt ".utf8),
        let format = source.bytes(at: position + 24, count: 14)
      {
        let isPlain = [1, 3, 6, 7, 0xFFFE].contains(HeaderNumber.little(format[..<2]))
        let block = HeaderNumber.little(format[12...])
        bytesPerFrame = isPlain && block > 0 ? block : nil
      } else if head.prefix(4).elementsEqual("data".utf8) {
        let found = source.byteCount - position - 24
        let isUnknown = found > 0 && (size <= 24 || HeaderNumber.isUnknown64(size))
        return SampleExtent(
          offset: position + 24, promise: isUnknown ? .toEnd : .bytes(max(0, size - 24)),
          bytesPerFrame: bytesPerFrame,
          patches: isUnknown
            ? [
              AudioSource.Patch(
                offset: position + 16, bytes: HeaderNumber.littleBytes(found + 24, count: 8))
            ] : [])
      }
      guard size >= 24, size <= source.byteCount - position else { return nil }
      position += (size + 7) / 8 * 8
    }
    return nil
  }

  /// The extent of a NIST SPHERE file, whose header is lines of text. libsndfile reads to the end
  /// of the file, whatever it says.
  static func sphere(_ source: AudioSource, at start: Int) -> SampleExtent? {
    guard let head = source.bytes(at: start, count: 16),
      let length = Int(
        String(decoding: head[8...], as: UTF8.self).filter { !$0.isWhitespace }),
      (16...65_536).contains(length), let text = source.bytes(at: start, count: length)
    else { return nil }
    var fields: [Substring: Substring] = [:]
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 2)
      if words.count == 3 { fields[words[0]] = words[2] }
    }
    func number(_ name: Substring) -> Int? {
      fields[name].flatMap { Int($0.filter { !$0.isWhitespace }) }
    }
    guard let count = number("sample_count"), let bytes = number("sample_n_bytes"), bytes > 0,
      // A comma announces a compression.
      fields["sample_coding"]?.contains(",") != true
    else { return nil }
    let frame = bytes.multipliedReportingOverflow(by: number("channel_count") ?? 1)
    let promised = frame.partialValue.multipliedReportingOverflow(by: count)
    if frame.overflow || promised.overflow || frame.partialValue <= 0 || count <= 0 { return nil }
    return SampleExtent(
      offset: start + length, promise: .bytes(promised.partialValue),
      bytesPerFrame: frame.partialValue)
  }
}
