import Files
import Foundation

/// A file that has no name until it is complete.
///
/// If the file system supports it, the file has no name at all (Linux' `O_TMPFILE`), so that even a
/// killed process leaves nothing behind; otherwise it has a `TemporaryName`, and is removed with
/// this object.
final class UnfinishedFile: EncoderTarget {
  private(set) var byteCount = 0
  var position = 0
  private let path: String
  private let temporary: String
  private var descriptor: Int32
  private var isNamed: Bool
  private var failure: Int32 = 0

  /// Opens a file in the folder of `path`.
  ///
  /// - Throws: `WaveFileError.unwritable`.
  init(path: String) throws(WaveFileError) {
    self.path = path
    temporary = TemporaryName.path(for: path)
    let folder = (path as NSString).deletingLastPathComponent
    // The flag is a macro that Swift does not see: __O_TMPFILE | O_DIRECTORY.
    let unnamed = 0o20_000_000 | O_DIRECTORY
    descriptor = open(folder.isEmpty ? "." : folder, unnamed | O_WRONLY | O_CLOEXEC, 0o644)
    isNamed = descriptor < 0
    if !isNamed, access("/proc/self/fd/\(descriptor)", F_OK) != 0 {
      // Without /proc the file could not get a name later.
      close(descriptor)
      isNamed = true
    }
    if isNamed { descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
    if descriptor < 0 { throw .unwritable(path: path, reason: String(cString: strerror(errno))) }
  }

  deinit { discard() }

  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    var written = 0
    while written < bytes.count, failure == 0 {
      let count = pwrite(
        descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written,
        off_t(position + written))
      if count > 0 { written += count } else if errno != EINTR { failure = errno }
    }
    position += written
    byteCount = max(byteCount, position)
    return written
  }

  /// Checks that all bytes could be written so far.
  ///
  /// - Throws: `WaveFileError.unwritable` with the reason of the first failure.
  func check() throws(WaveFileError) {
    if failure != 0 {
      throw .unwritable(path: path, reason: String(cString: strerror(failure)))
    }
  }

  /// Gives the file its name, replacing a file that has the name now.
  ///
  /// - Throws: `WaveFileError.unwritable`.
  func publish() throws(WaveFileError) {
    defer { discard() }
    try check()
    if !isNamed {
      // `linkat` does not replace a file, so a temporary name comes first.
      unlink(temporary)
      if linkat(
        AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) != 0
      {
        failure = errno
      }
      isNamed = true
    }
    let code = close(descriptor)
    descriptor = -1
    if code != 0, failure == 0 { failure = errno }
    if failure == 0, rename(temporary, path) != 0 { failure = errno }
    if failure == 0 { isNamed = false }
    try check()
  }

  /// Removes the file unless it is published.
  private func discard() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    if isNamed { unlink(temporary) }
    isNamed = false
  }
}
