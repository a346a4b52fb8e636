import Files
import Foundation

/// The lock file of a run folder.
struct RunLockFile {
  let path: String
  private let url: URL

  init(_ folder: RunFolder) {
    url = folder.file(.lock)
    path = url.path(percentEncoded: false)
  }

  /// Opens the file, which is made if need be.
  func open() throws(AtomicFileError) -> Int32 {
    let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
    if descriptor < 0 { throw AtomicFileError(path: path, operation: "open", code: errno) }
    return descriptor
  }

  /// Whether the open file `descriptor` is the one that has the name.
  func isNamed(_ descriptor: Int32) -> Bool {
    var own = stat()
    var named = stat()
    return fstat(descriptor, &own) == 0 && lstat(path, &named) == 0 && own.st_ino == named.st_ino
      && own.st_dev == named.st_dev
  }

  /// The bytes of the file as they are now, also on another host: opened anew, since network file
  /// systems look for changes then. Nil if there is none.
  func read() -> [UInt8]? {
    let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    if descriptor < 0 { return nil }
    defer { close(descriptor) }
    return read(descriptor)
  }

  /// The bytes of an open file.
  func read(_ descriptor: Int32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: RunOwner.byteCount)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return Array(bytes.prefix(max(0, count)))
  }

  /// Writes `owner` over what is in the file: of `descriptor`, or of that name if it is -1. Returns
  /// whether it could.
  @discardableResult
  func overwrite(_ owner: RunOwner, _ descriptor: Int32) -> Bool {
    let isOpen = descriptor >= 0
    let target = isOpen ? descriptor : Foundation.open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
    if target < 0 { return false }
    defer { if !isOpen { close(target) } }
    let bytes = owner.bytes
    // To the server of a network file system, not only to the memory of this host.
    return pwrite(target, bytes, bytes.count, 0) == bytes.count && fdatasync(target) == 0
  }

  /// Puts `owner` into a new file of that name, in place of any other.
  func replace(_ owner: RunOwner) throws(AtomicFileError) {
    // The name is the owner's, since two threads of a process may be owners-to-be.
    let temporary = TemporaryName.path(for: "\(path).\(owner.token)")
    let descriptor = Foundation.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw AtomicFileError(path: path, operation: "open", code: errno) }
    let isWritten = overwrite(owner, descriptor)
    let code = errno
    close(descriptor)
    if isWritten, rename(temporary, path) == 0 { return }
    let failure = AtomicFileError(
      path: path, operation: isWritten ? "rename" : "write", code: isWritten ? errno : code)
    unlink(temporary)
    throw failure
  }

  /// Result of a look at the file for its owner.
  enum Look {
    case own
    /// Another owner's, who may be unknown.
    case others(RunOwner?)
    case removed
  }

  /// Looks whether the file is that of `owner`, who holds it by `descriptor`, or by its contents if
  /// that is -1.
  func look(_ owner: RunOwner, _ descriptor: Int32) -> Look {
    if descriptor >= 0, isNamed(descriptor) { return .own }
    guard let bytes = read() else {
      // A file system that does not answer shows nothing.
      return errno == ENOENT ? .removed : .own
    }
    let found = RunOwner(bytes)
    return descriptor < 0 && found?.token == owner.token ? .own : .others(found)
  }

  /// Makes the file that was removed anew; its descriptor, or -1 without locks. Nil if that fails,
  /// as when somebody else has made it.
  func remake(_ owner: RunOwner, isLocked: Bool) -> Int32? {
    let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC
    let descriptor = Foundation.open(path, flags, 0o666)
    if descriptor < 0 { return nil }
    let isHeld = !isLocked || LockAttempt.lock(descriptor) == .held
    guard isHeld else {
      close(descriptor)
      return nil
    }
    overwrite(owner, descriptor)
    if isLocked { return descriptor }
    close(descriptor)
    return -1
  }

  func remove() { unlink(path) }
}
