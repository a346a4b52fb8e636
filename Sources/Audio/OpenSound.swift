import CSndfile
import Synchronization

/// The lock under which streams are opened, since libsndfile keeps the reason of a failed opening
/// and the random state of Ogg's serial numbers in global variables.
private let openLock = Mutex<Void>(())

/// The result of opening a stream of libsndfile.
enum OpenedSound {
  /// The stream, which the caller closes.
  case open(OpaquePointer)
  /// libsndfile's reason for refusing.
  case refused(String)

  /// The reason for refusing; empty for an open stream.
  var refusal: String {
    switch self {
    case .open: ""
    case .refused(let reason): reason
    }
  }
}

/// Opens a stream of libsndfile whose bytes pass through `callbacks`.
///
/// - Parameters:
///   - mode: `SFM_READ` or `SFM_WRITE`.
///   - header: the format to write, or the one that was found.
///   - user: the user data of the callbacks, to which libsndfile keeps a pointer.
func openSound(
  _ mode: Int, _ header: inout SF_INFO, _ callbacks: SF_VIRTUAL_IO, user: UnsafeMutableRawPointer
) -> OpenedSound {
  // Pointers cross the lock as integers because Swift cannot see that only this function uses them.
  let user = UInt(bitPattern: user)
  let (stream, reason): (UInt, String) = openLock.withLock { _ in
    var callbacks = callbacks
    let opened = sf_open_virtual(
      &callbacks, Int32(mode), &header, UnsafeMutableRawPointer(bitPattern: user))
    return opened.map { (UInt(bitPattern: $0), "") } ?? (0, String(cString: sf_strerror(nil)))
  }
  return OpaquePointer(bitPattern: stream).map { .open($0) } ?? .refused(reason)
}
