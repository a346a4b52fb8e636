import Files
import Foundation
import Testing
import TestSupport

/// Locks of files, and what a failure to lock means.
@Suite struct LockAttemptTests {
  @Test func onlyOneHoldsALock() throws {
    try withTemporaryFolder { folder in
      let descriptors = (0..<2).map { _ in
        open(folder.file("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      }
      #expect(LockAttempt.lock(descriptors[0]) == .held)
      #expect(LockAttempt.lock(descriptors[1]) == .busy)
      close(descriptors[0])
      #expect(LockAttempt.lock(descriptors[1]) == .held)
      close(descriptors[1])
    }
    #expect(LockAttempt.lock(-1) == .failed(code: EBADF))
  }

  /// Nobody waits for another process because a file system has no locks.
  @Test(arguments: [
    (EWOULDBLOCK, LockAttempt.busy), (EAGAIN, .busy), (ENOLCK, .unsupported),
    (EOPNOTSUPP, .unsupported), (ENOTSUP, .unsupported), (ENOSYS, .unsupported),
    (EIO, .failed(code: EIO)), (EACCES, .failed(code: EACCES)), (EBADF, .failed(code: EBADF)),
    (ESTALE, .failed(code: ESTALE)),
  ]) func failuresMeanWhatTheySay(code: Int32, attempt: LockAttempt) {
    #expect(LockAttempt(failure: code) == attempt)
  }
}
