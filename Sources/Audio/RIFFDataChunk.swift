import Foundation

/// The position and length of the samples according to a WAV file's own header.
///
/// libsndfile shortens a file whose data chunk exceeds the file without an error, so a partly
/// copied corpus would look whole. Therefore these few bytes are read here.
enum RIFFDataChunk {
  /// Offset and length of the samples, in bytes, and the bytes of one frame (all channels).
  struct Promise: Equatable {
    var offset: Int
    var byteCount: Int
    var bytesPerFrame: Int
  }

  /// The promise of the file's `data` chunk; nil if it is no RIFF file, or was written to a pipe
  /// and so carries no length (0 or all ones).
  static func promisedBytes(path: String) -> Promise? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    return promisedBytes { offset, count in
      guard (try? file.seek(toOffset: UInt64(offset))) != nil,
        let data = try? file.read(upToCount: count), data.count == count
      else { return nil }
      return [UInt8](data)
    }
  }

  /// The promise of a file in memory.
  static func promisedBytes(in file: [UInt8]) -> Promise? {
    promisedBytes { offset, count in
      offset + count <= file.count ? Array(file[offset..<offset + count]) : nil
    }
  }

  /// The promise of a file of which `bytes` returns a part, or nil beyond its end.
  private static func promisedBytes(
    _ bytes: (_ offset: Int, _ count: Int) -> [UInt8]?
  ) -> Promise? {
    guard let head = bytes(0, 12), head.prefix(4).elementsEqual("RIFF".utf8),
      head.suffix(4).elementsEqual("WAVE".utf8)
    else { return nil }
    var position = 12
    var bytesPerFrame = 0
    while let chunk = bytes(position, 8) {
      let size = littleEndian(chunk.suffix(4))
      if chunk.prefix(4).elementsEqual("fmt ".utf8),
        let blockAlign = bytes(position + 20, 2)
      {
        bytesPerFrame = littleEndian(blockAlign)
      } else if chunk.prefix(4).elementsEqual("data".utf8) {
        guard bytesPerFrame > 0, size != 0, size != 0xFFFF_FFFF else { return nil }
        return Promise(offset: position + 8, byteCount: size, bytesPerFrame: bytesPerFrame)
      }
      position += 8 + size + size % 2
    }
    return nil
  }

  private static func littleEndian(_ bytes: some Sequence<UInt8>) -> Int {
    bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}
