import Foundation

/// A mono, 16-bit PCM wave file, read without any library so that the metrics' tests depend only on
/// the metrics.
struct RIFFFile {
  let sampleRate: Int
  /// Samples divided by 32768.
  let samples: [Float]

  struct Malformed: Error {
    let reason: String
  }

  init(_ url: URL) throws {
    let bytes = [UInt8](try Data(contentsOf: url))
    func integer(at offset: Int, byteCount: Int) throws -> Int {
      guard offset + byteCount <= bytes.count else {
        throw Malformed(reason: "\(url.path) ends at byte \(bytes.count)")
      }
      return (0..<byteCount).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }
    func tag(at offset: Int) -> String {
      String(decoding: bytes.dropFirst(offset).prefix(4), as: UTF8.self)
    }
    guard tag(at: 0) == "RIFF", tag(at: 8) == "WAVE" else {
      throw Malformed(reason: "\(url.path) is not a RIFF wave file")
    }
    var rate: Int?
    var found: [Float]?
    var offset = 12
    while offset + 8 <= bytes.count, found == nil {
      let (name, size) = (tag(at: offset), try integer(at: offset + 4, byteCount: 4))
      offset += 8
      if name == "fmt " {
        guard try integer(at: offset, byteCount: 2) == 1,
          try integer(at: offset + 2, byteCount: 2) == 1,
          try integer(at: offset + 14, byteCount: 2) == 16
        else { throw Malformed(reason: "\(url.path) is not mono 16-bit PCM") }
        rate = try integer(at: offset + 4, byteCount: 4)
      } else if name == "data" {
        found = try stride(from: offset, to: offset + size - 1, by: 2).map {
          Float(Int16(truncatingIfNeeded: try integer(at: $0, byteCount: 2))) / 32_768
        }
      }
      offset += size + size % 2
    }
    guard let rate, let found else {
      throw Malformed(reason: "\(url.path) has no fmt or no data chunk")
    }
    sampleRate = rate
    samples = found
  }
}
