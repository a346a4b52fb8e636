import CSndfile
import Foundation

/// The bytes of an audio file in memory, which libsndfile reads like a file.
final class MemorySource {
  let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The callbacks for libsndfile, whose user data is a pointer to the source.
  static var callbacks: SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { user in sf_count_t(MemorySource.source(user).bytes.count) },
      seek: { offset, whence, user in
        let source = MemorySource.source(user)
        switch whence {
        case SEEK_CUR: source.position += Int(offset)
        case SEEK_END: source.position = source.bytes.count + Int(offset)
        default: source.position = Int(offset)
        }
        // A damaged header may request any position.
        source.position = max(0, min(source.position, source.bytes.count))
        return sf_count_t(source.position)
      },
      read: { target, count, user in
        let source = MemorySource.source(user)
        let length = max(0, min(Int(count), source.bytes.count - source.position))
        source.bytes.withUnsafeBytes {
          if length > 0, let target, let start = $0.baseAddress {
            target.copyMemory(from: start + source.position, byteCount: length)
          }
        }
        source.position += length
        return sf_count_t(length)
      },
      write: { _, _, _ in 0 },
      tell: { user in sf_count_t(MemorySource.source(user).position) })
  }

  private static func source(_ user: UnsafeMutableRawPointer?) -> MemorySource {
    guard let user else { preconditionFailure("MemorySource: no user data") }
    return Unmanaged<MemorySource>.fromOpaque(user).takeUnretainedValue()
  }
}
