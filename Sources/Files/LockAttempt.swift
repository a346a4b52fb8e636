import Foundation

/// Outcome of an attempt to lock an open file for this process.
package enum LockAttempt: Equatable, Sendable {
  /// The lock is held until the descriptor is closed, at the latest by the end of the process.
  case held
  /// Another process holds it.
  case busy
  /// The file system has no locks, or its lock service does not run.
  case unsupported
  /// The attempt failed for another reason, `errno`.
  case failed(code: Int32)

  /// Tries to lock the file of `descriptor`, without waiting. The file must be open for writing:
  /// network file systems turn the lock into one of a range.
  package static func lock(_ descriptor: Int32) -> LockAttempt {
    while true {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return .held }
      if errno != EINTR { return LockAttempt(failure: errno) }
    }
  }

  /// The meaning of a failure of `flock` with the code `failure`. Only `EWOULDBLOCK` says that
  /// somebody else has the lock.
  package init(failure: Int32) {
    self =
      switch failure {
      case EWOULDBLOCK: .busy
      case ENOLCK, EOPNOTSUPP, ENOTSUP, ENOSYS: .unsupported
      default: .failed(code: failure)
      }
  }
}
