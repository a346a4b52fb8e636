import CSndfile
import Foundation

extension WaveFile {
  /// How samples are stored.
  public enum Encoding: Sendable {
    /// 16-bit integers, `x · 32,768` rounded and clamped to full scale. WAV or FLAC.
    case pcm16
    /// 32-bit floats, exact. WAV only.
    case float32
  }

  /// Writes mono `samples` as WAV or FLAC, by the extension of `path`.
  ///
  /// The file appears under its name only when it is complete. Throws when a sample is not finite,
  /// when the extension is another one, and when the disk refuses.
  public static func write(
    _ samples: [Float], sampleRate: Int, to path: String, encoding: Encoding = .pcm16
  ) throws(WaveFileError) {
    try writeAtomically(
      try encode(samples, sampleRate: sampleRate, path: path, encoding: encoding), to: path)
  }

  /// The bytes of the file that `write` would make.
  package static func encode(
    _ samples: [Float], sampleRate: Int, path: String, encoding: Encoding
  ) throws(WaveFileError) -> [UInt8] {
    if let bad = samples.firstIndex(where: { !$0.isFinite }) {
      throw .nonFinite(path: path, index: bad)
    }
    let container: Int
    switch (URL(fileURLWithPath: path).pathExtension.lowercased(), encoding) {
    case ("wav", _): container = SF_FORMAT_WAV
    case ("flac", .pcm16): container = SF_FORMAT_FLAC
    case ("flac", .float32):
      throw .unsupportedFormat(path: path, reason: "FLAC holds no float samples; use .wav")
    default: throw .unsupportedFormat(path: path, reason: "the name must end in .wav or .flac")
    }
    let sample = encoding == .pcm16 ? SF_FORMAT_PCM_16 : SF_FORMAT_FLOAT
    var header = SF_INFO(
      frames: 0, samplerate: Int32(sampleRate), channels: 1, format: Int32(container | sample),
      sections: 0, seekable: 0)
    let memory = MemoryFile()
    var callbacks = MemoryFile.callbacks
    let user = Unmanaged.passUnretained(memory).toOpaque()
    let delivered: Int? = withExtendedLifetime(memory) {
      guard let handle = sf_open_virtual(&callbacks, Int32(SFM_WRITE), &header, user) else {
        return nil
      }
      defer { sf_close(handle) }
      // The peak chunk carries the time of day: without it equal samples make equal bytes.
      sf_command(handle, Int32(SFC_SET_ADD_PEAK_CHUNK), nil, Int32(SF_FALSE))
      switch encoding {
      case .pcm16:
        let integers = samples.map(pcm16)
        return Int(sf_writef_short(handle, integers, sf_count_t(integers.count)))
      case .float32:
        return Int(sf_writef_float(handle, samples, sf_count_t(samples.count)))
      }
    }
    guard delivered == samples.count else {
      throw .unwritable(path: path, reason: "libsndfile refused \(samples.count) samples")
    }
    return memory.bytes
  }

  /// `sample · 32,768`, rounded and clamped.
  static func pcm16(_ sample: Float) -> Int16 {
    Int16(max(-32_768, min(32_767, (sample * 32_768).rounded(.toNearestOrEven))))
  }

  /// Writes to a temporary name beside `path` and renames.
  package static func writeAtomically(_ bytes: [UInt8], to path: String) throws(WaveFileError) {
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else {
      throw .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
    var failure: Int32 = 0
    var written = 0
    while written < bytes.count, failure == 0 {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if count > 0 { written += count } else if errno != EINTR { failure = errno }
    }
    if close(descriptor) != 0, failure == 0 { failure = errno }
    if failure == 0, rename(temporary, path) != 0 { failure = errno }
    if failure != 0 {
      unlink(temporary)
      throw .unwritable(path: path, reason: String(cString: strerror(failure)))
    }
  }
}

/// A growing file in memory for libsndfile to write to, so that every disk error is met in one
/// place, with its errno, and not inside an encoder's last flush.
private final class MemoryFile {
  var bytes: [UInt8] = []
  var position = 0

  static var callbacks: SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { user in sf_count_t(MemoryFile.at(user).bytes.count) },
      seek: { offset, whence, user in
        let file = MemoryFile.at(user)
        switch whence {
        case SEEK_CUR: file.position += Int(offset)
        case SEEK_END: file.position = file.bytes.count + Int(offset)
        default: file.position = Int(offset)
        }
        return sf_count_t(file.position)
      },
      read: { target, count, user in
        let file = MemoryFile.at(user)
        let available = max(0, min(Int(count), file.bytes.count - file.position))
        file.bytes.withUnsafeBytes {
          if let start = $0.baseAddress, available > 0 {
            target?.copyMemory(from: start + file.position, byteCount: available)
          }
        }
        file.position += available
        return sf_count_t(available)
      },
      write: { source, count, user in
        let file = MemoryFile.at(user)
        let end = file.position + Int(count)
        if end > file.bytes.count {
          file.bytes.append(contentsOf: repeatElement(0, count: end - file.bytes.count))
        }
        file.bytes.withUnsafeMutableBytes {
          if let start = $0.baseAddress, let source {
            (start + file.position).copyMemory(from: source, byteCount: Int(count))
          }
        }
        file.position = end
        return count
      },
      tell: { user in sf_count_t(MemoryFile.at(user).position) })
  }

  private static func at(_ user: UnsafeMutableRawPointer?) -> MemoryFile {
    guard let user else { preconditionFailure("MemoryFile: no user data") }
    return Unmanaged<MemoryFile>.fromOpaque(user).takeUnretainedValue()
  }
}
