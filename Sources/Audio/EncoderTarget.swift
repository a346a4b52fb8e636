import CSndfile
import Foundation

/// The destination of an encoder's bytes, in which the encoder goes back to complete the header.
protocol EncoderTarget: AnyObject {
  /// Number of bytes so far.
  var byteCount: Int { get }
  /// Offset of the next byte.
  var position: Int { get set }
  /// Writes at `position` and moves it. Returns the number of bytes written, which is smaller than
  /// that of `bytes` on failure.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int
}

/// A class through which libsndfile's C callbacks find the target.
final class TargetBox {
  let target: any EncoderTarget

  init(_ target: any EncoderTarget) { self.target = target }

  static var callbacks: SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { user in sf_count_t(TargetBox.target(user).byteCount) },
      seek: { offset, whence, user in
        let target = TargetBox.target(user)
        switch whence {
        case SEEK_CUR: target.position += Int(offset)
        case SEEK_END: target.position = target.byteCount + Int(offset)
        default: target.position = Int(offset)
        }
        return sf_count_t(target.position)
      },
      // No format is written with reading back.
      read: { _, _, _ in 0 },
      write: { source, count, user in
        sf_count_t(
          TargetBox.target(user).write(UnsafeRawBufferPointer(start: source, count: Int(count))))
      },
      tell: { user in sf_count_t(TargetBox.target(user).position) })
  }

  private static func target(_ user: UnsafeMutableRawPointer?) -> any EncoderTarget {
    guard let user else { preconditionFailure("TargetBox: no user data") }
    return Unmanaged<TargetBox>.fromOpaque(user).takeUnretainedValue().target
  }
}
