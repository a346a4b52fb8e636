import Files
import Foundation

extension WaveFile {
  /// The encoding of samples in a file.
  public enum Encoding: Sendable {
    /// 16-bit integers, `x · 32,768` rounded and clamped to full scale, in WAV or FLAC.
    case pcm16
    /// 32-bit floats, exact, in WAV only.
    case float32
  }

  /// Writes mono `samples` as WAV or FLAC, by the extension of `path`.
  ///
  /// The file appears under its name only when it is complete. `WaveWriter` writes such files piece
  /// by piece.
  ///
  /// - Throws: `WaveFileError` if a sample is not finite, the extension is another one, or the disk
  ///   cannot be written.
  public static func write(
    _ samples: [Float], sampleRate: Int, to path: String, encoding: Encoding = .pcm16
  ) throws(WaveFileError) {
    let writer = try WaveWriter(
      path: path, sampleRate: sampleRate, sampleCount: samples.count, encoding: encoding)
    try writer.append(samples)
    try writer.finish()
  }

  /// The bytes of the file that `write` would write.
  ///
  /// - Throws: `WaveFileError` if a sample is not finite or the extension of `path` is no format.
  package static func encode(
    _ samples: [Float], sampleRate: Int, path: String, encoding: Encoding
  ) throws(WaveFileError) -> [UInt8] {
    let memory = MemoryFile()
    let encoder = try SoundEncoder(
      to: memory, path: path, sampleRate: sampleRate, encoding: encoding)
    try encoder.append(samples)
    encoder.finish()
    return memory.bytes
  }

  /// The 16-bit value `sample · 32,768`, rounded and clamped to full scale.
  package static func pcm16(_ sample: Float) -> Int16 {
    Int16(max(-32_768, min(32_767, (sample * 32_768).rounded(.toNearestOrEven))))
  }

  /// Writes `bytes` to a file that appears as `path` only when it is complete.
  ///
  /// - Throws: `WaveFileError.unwritable`.
  package static func writeAtomically(_ bytes: [UInt8], to path: String) throws(WaveFileError) {
    do {
      try AtomicFile.write(bytes, to: URL(fileURLWithPath: path), .unflushed)
    } catch {
      throw .unwritable(path: path, reason: error.reason)
    }
  }
}

/// A growing file in memory.
private final class MemoryFile: EncoderTarget {
  private(set) var bytes: [UInt8] = []
  var position = 0

  var byteCount: Int { bytes.count }

  func write(_ source: UnsafeRawBufferPointer) -> Int {
    let end = position + source.count
    if end > bytes.count { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
    bytes.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[position..<end]).copyMemory(from: source)
    }
    position = end
    return source.count
  }
}
