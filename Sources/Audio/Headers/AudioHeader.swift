/// The place of the samples in an audio file and the length that its header promises.
///
/// libsndfile shortens a file whose header promises more than the file holds without an error, so
/// a partly copied corpus would look whole. Therefore these few bytes are read here, for every
/// format that is accepted.
struct SampleExtent: Equatable {
  /// The length according to the header.
  enum Promise: Equatable {
    case bytes(Int)
    /// The header says no length, as of a file that was written into a pipe: the samples reach to
    /// the end of the file.
    case toEnd
  }

  /// Offset of the first sample, in bytes.
  var offset: Int
  /// The length of the samples.
  var promise: Promise
  /// Bytes of a frame, which is a sample of every channel; nil for codecs without such a number.
  var bytesPerFrame: Int?
  /// The bytes of the header that give libsndfile the length up to the end of the file.
  var patches: [AudioSource.Patch] = []
}

/// A format whose files are read, with the extent of the samples where its header has one.
enum AudioHeader {
  /// Samples at a place that the header says.
  case extent(SampleExtent)
  /// FLAC, whose decoder finds the end.
  case flac
  /// Ogg, which ends with a page that says so.
  case ogg
  /// A format that is read although its header cannot be parsed here; libsndfile has the reason.
  case unparsed

  /// The formats in messages.
  static let formats = "WAV, FLAC, AIFF, AU, CAF, W64, NIST SPHERE or Ogg"

  /// Recognises the format by its first bytes; nil if it is none that is read.
  init?(_ source: AudioSource) {
    guard let start = source.bytes(at: Self.leadingTag(source), count: 4) else { return nil }
    let offset = Self.leadingTag(source)
    switch start {
    case Array("RIFF".utf8), Array("RIFX".utf8), Array("RF64".utf8), Array("BW64".utf8):
      self = RIFFHeader.extent(source, at: offset).map(Self.extent) ?? .unparsed
    case Array("FORM".utf8):
      guard let kind = source.bytes(at: offset + 8, count: 4),
        [Array("AIFF".utf8), Array("AIFC".utf8)].contains(kind)
      else { return nil }
      self = AIFFHeader.extent(source, at: offset).map(Self.extent) ?? .unparsed
    case Array(".snd".utf8), Array("dns.".utf8):
      self = PlainHeaders.au(source, at: offset).map(Self.extent) ?? .unparsed
    case Array("riff".utf8):
      self = PlainHeaders.wave64(source, at: offset).map(Self.extent) ?? .unparsed
    case Array("caff".utf8):
      self = CAFHeader.extent(source, at: offset).map(Self.extent) ?? .unparsed
    case Array("NIST".utf8):
      self = PlainHeaders.sphere(source, at: offset).map(Self.extent) ?? .unparsed
    case Array("fLaC".utf8): self = .flac
    case Array("OggS".utf8): self = .ogg
    default: return nil
    }
  }

  /// Length of an ID3 tag in front of the file, which some taggers write and libsndfile skips.
  static func leadingTag(_ source: AudioSource) -> Int {
    guard let tag = source.bytes(at: 0, count: 10), tag.prefix(3).elementsEqual("ID3".utf8) else {
      return 0
    }
    return 10 + tag[6..<10].reduce(0) { $0 << 7 | Int($1 & 0x7F) }
  }
}

/// Numbers in headers.
enum HeaderNumber {
  /// An unsigned number, lowest byte first. Eight bytes above `Int.max` are `Int.max`.
  static func little(_ bytes: some BidirectionalCollection<UInt8>) -> Int {
    Int(clamping: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  /// An unsigned number, highest byte first. Eight bytes above `Int.max` are `Int.max`.
  static func big(_ bytes: some Sequence<UInt8>) -> Int {
    Int(clamping: bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  /// The bytes of `value`, highest first.
  static func bigBytes(_ value: Int, count: Int) -> [UInt8] {
    littleBytes(value, count: count).reversed()
  }

  /// The bytes of `value`, lowest first.
  static func littleBytes(_ value: Int, count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// Whether a length of 32 bits stands for one that the writer did not know: all ones, the largest
  /// signed number, and a little below them, where the length of the header was subtracted. SoX
  /// writes 0x7FFFF000 in WAV and 0x7F000000 in AIFF, as eSpeak does the former.
  static func isUnknown32(_ length: Int) -> Bool {
    length >= 0xFFFF_0000 || (0x7FFF_0000...0x8000_0000).contains(length)
      || (0x7EFF_FFC0...0x7F00_0040).contains(length)
  }

  /// Whether a length of 64 bits stands for one that the writer did not know.
  static func isUnknown64(_ length: Int) -> Bool { length >= 1 << 62 }
}

/// Chunks of an identifier of four letters and a length, of which RIFF, AIFF and CAF files consist.
struct ChunkWalk {
  /// A chunk.
  struct Chunk {
    var name: [UInt8]
    /// Offset of the contents.
    var offset: Int
    /// Length of the contents according to the chunk.
    var byteCount: Int

    func isNamed(_ text: String) -> Bool { name.elementsEqual(text.utf8) }
  }

  let source: AudioSource
  let isBigEndian: Bool
  /// Bytes of a length, 4 or 8.
  let lengthBytes: Int
  /// Whether odd contents are followed by a byte that belongs to no chunk.
  let isPadded: Bool

  /// The chunk at `offset`; nil where there is none.
  func chunk(at offset: Int) -> Chunk? {
    guard let bytes = source.bytes(at: offset, count: 4 + lengthBytes),
      bytes.prefix(4).allSatisfy({ (0x20...0x7E).contains($0) })
    else { return nil }
    let length = bytes[4...]
    return Chunk(
      name: Array(bytes.prefix(4)), offset: offset + 4 + lengthBytes,
      byteCount: isBigEndian ? HeaderNumber.big(length) : HeaderNumber.little(length))
  }

  /// Offset of the chunk after `chunk`; nil if that is not in the file.
  func next(_ chunk: Chunk) -> Int? {
    let padding = isPadded ? chunk.byteCount % 2 : 0
    let left = source.byteCount - chunk.offset
    return chunk.byteCount <= left - padding ? chunk.offset + chunk.byteCount + padding : nil
  }

  /// Whether the bytes from `offset` to the end of the file are whole chunks, and so no samples.
  func isChunks(from offset: Int) -> Bool {
    var position = offset
    while position < source.byteCount {
      guard let chunk = chunk(at: position) else { return false }
      guard let next = next(chunk) else {
        // The last padding is often missing.
        return chunk.offset + chunk.byteCount == source.byteCount
      }
      position = next
    }
    return true
  }
}
