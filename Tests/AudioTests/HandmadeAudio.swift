/// Bytes of mono 16-bit files at 16 kHz with any length in their headers, written by hand so that
/// the reader is not checked against its own writer.
enum HandmadeAudio: String, CaseIterable, Sendable {
  case wav, rifx, rf64, bw64, aiff, au, littleAU, wave64, caf, sphere

  /// The length that a header states.
  enum Length: Sendable {
    /// That of the samples and so many bytes more.
    case more(Int)
    /// This number, as it is.
    case field(UInt64)
  }

  /// Values of the length, as fields, that stand for "unknown".
  var unknownLengths: [UInt64] {
    switch self {
    case .wav, .rifx:
      [0, 0x7FFF_F000, 0x7FFF_FF00, 0x7FFF_FFFF - 36, 0x8000_0000, 0xFFFF_FFFF - 44, 0xFFFF_FFFF]
    case .rf64, .bw64, .wave64, .caf: [0, .max, .max >> 1]
    case .aiff: [0, 8, 0x7F00_0008, 0xFFFF_FFFF]
    case .au, .littleAU: [0, 0x7FFF_F000, 0xFFFF_FFFF]
    case .sphere: []
    }
  }

  /// A file with these samples, whose header says `length`, and `tail` behind the samples.
  func file(
    _ samples: [Int16], _ length: Length = .more(0), tail: [UInt8] = []
  ) -> [UInt8] {
    let isBig = [.rifx, .aiff, .au, .caf].contains(self)
    func number(_ value: some BinaryInteger, _ count: Int) -> [UInt8] {
      let little = (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      return isBig ? little.reversed() : little
    }
    func text(_ text: String) -> [UInt8] { Array(text.utf8) }
    let data = samples.flatMap { number($0, 2) }
    /// The field of a length that counts `extra` bytes besides the samples.
    func field(_ extra: Int, _ count: Int) -> [UInt8] {
      switch length {
      case .more(let more): number(data.count + extra + more, count)
      case .field(let value): number(value, count)
      }
    }
    let format =
      number(1, 2) + number(1, 2) + number(16_000, 4) + number(32_000, 4) + number(2, 2)
      + number(16, 2)
    let wave64 = [UInt8]([
      0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A,
    ])
    let start: [UInt8]
    switch self {
    case .wav, .rifx:
      start =
        text(self == .wav ? "RIFF" : "RIFX") + number(36 + data.count, 4) + text("WAVEfmt ")
        + number(16, 4) + format + text("data") + field(0, 4)
    case .rf64, .bw64:
      start =
        text(self == .rf64 ? "RF64" : "BW64") + number(UInt32.max, 4) + text("WAVEds64")
        + number(28, 4) + number(data.count + 72, 8) + field(0, 8) + number(samples.count, 8)
        + number(0, 4) + text("fmt ") + number(16, 4) + format + text("data")
        + number(UInt32.max, 4)
    case .aiff:
      start =
        text("FORM") + number(46 + data.count, 4) + text("AIFFCOMM") + number(18, 4)
        + number(1, 2) + number(samples.count, 4) + number(16, 2)
        + [0x40, 0x0C, 0xFA, 0, 0, 0, 0, 0, 0, 0] + text("SSND") + field(8, 4) + number(0, 8)
    case .au, .littleAU:
      start =
        text(self == .au ? ".snd" : "dns.") + number(28, 4) + field(0, 4) + number(3, 4)
        + number(16_000, 4) + number(1, 4) + number(0, 4)
    case .wave64:
      let riff: [UInt8] = [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0]
      start =
        text("riff") + riff + number(104 + data.count, 8) + text("wave") + wave64 + text("fmt ")
        + wave64 + number(40, 8) + format + text("data") + wave64 + field(24, 8)
    case .caf:
      start =
        text("caff") + number(1, 2) + number(0, 2) + text("desc") + number(32, 8)
        + number(Double(16_000).bitPattern, 8) + text("lpcm") + number(0, 4) + number(2, 4)
        + number(1, 4) + number(1, 4) + number(16, 4) + text("data") + field(4, 8) + number(0, 4)
    case .sphere:
      let count =
        switch length {
        case .more(let more): samples.count + more / 2
        case .field(let value): Int(clamping: value)
        }
      let lines = """
        NIST_1A
           1024
        sample_count -i \(count)
        sample_n_bytes -i 2
        channel_count -i 1
        sample_byte_format -s2 01
        sample_rate -i 16000
        sample_coding -s3 pcm
        end_head

        """
      start = text(lines) + Array(repeating: 0x20, count: 1024 - lines.utf8.count)
    }
    return start + data + tail
  }
}
