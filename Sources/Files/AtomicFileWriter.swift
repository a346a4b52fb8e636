import Foundation

/// A file that is written piece by piece and appears under its name only when it is complete.
///
/// The pieces go to a file with a `TemporaryName` beside it. A writer that is dropped before `commit`
/// removes that, and the previous version of the file stays. What is replaced is a regular file or a
/// symbolic link to one, or to nothing, and of a link the link itself: never a device, a pipe or a
/// folder, of which a rename would leave nothing. Between `flush` and `commit` the
/// contents can be looked at.
public final class AtomicFileWriter {
  private let url: URL
  private let path: String
  /// Where the contents are until they have their name.
  package let temporary: String
  private var descriptor: Int32
  private var isCommitted = false

  /// Opens the temporary file for the file at `url`. Throws if that cannot be written, or if
  /// something has the name that is no file.
  public init(_ url: URL) throws(AtomicFileError) {
    self.url = url
    path = url.path(percentEncoded: false)
    temporary = TemporaryName.path(for: path)
    descriptor = -1
    // There is no temporary to remove.
    isCommitted = true
    if !Self.isReplaceable(path) {
      // URLs of folders end with a slash.
      throw .notAFile(path: path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    }
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    if descriptor < 0 {
      throw AtomicFileError(path: path, operation: "open", code: errno)
    }
    isCommitted = false
  }

  /// Whether nothing, a regular file, or a link to either is at `path`.
  private static func isReplaceable(_ path: String) -> Bool {
    var path = path
    // As many links as the system follows.
    for _ in 0..<40 {
      let parent = (path as NSString).deletingLastPathComponent
      let folder = parent.isEmpty ? "." : parent
      guard let real = realpath(folder, nil) else { return true }
      defer { free(real) }
      // Of an open file, as /dev/stdout is, with a text that is no path: "pipe:[4711]".
      if String(cString: real).hasPrefix("/proc/") { return false }
      var status = stat()
      if lstat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG { return true }
      guard status.st_mode & S_IFMT == S_IFLNK else { return false }
      let destination = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
      guard let destination else { return true }
      path = destination.hasPrefix("/") ? destination : "\(folder)/\(destination)"
    }
    return true
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if !isCommitted { unlink(temporary) }
  }

  /// Appends `bytes`.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(AtomicFileError) {
    precondition(descriptor >= 0, "AtomicFileWriter: appending after flush or commit")
    var rest = bytes[...]
    while !rest.isEmpty {
      // Linux writes at most 2 GB at once.
      let length = min(rest.count, 1 << 30)
      let written = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, length)
      if written < 0 && errno == EINTR { continue }
      if written < 0 { throw AtomicFileError(path: path, operation: "write", code: errno) }
      rest = rest.dropFirst(written)
    }
  }

  /// Writes `bytes` over what is at the beginning, which has to be as long already: for a header
  /// that is known when all is written.
  package func overwriteBeginning(_ bytes: UnsafeRawBufferPointer) throws(AtomicFileError) {
    precondition(descriptor >= 0, "AtomicFileWriter: writing after commit")
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let written = pwrite(descriptor, rest.baseAddress, rest.count, off_t(done))
      if written < 0 && errno == EINTR { continue }
      if written < 0 { throw AtomicFileError(path: path, operation: "write", code: errno) }
      done += written
    }
  }

  /// Flushes what was written to the disk, forgets it in memory, and calls `body` with the path
  /// under which it can be read before it is committed.
  package func inspect<Result>(_ body: (_ temporary: String) throws -> Result) throws -> Result {
    precondition(descriptor >= 0, "AtomicFileWriter: inspected after commit")
    if fsync(descriptor) != 0 {
      throw AtomicFileError(path: path, operation: "fsync", code: errno)
    }
    // So that the disk is asked; only advice, some file systems have nothing else to read from.
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    return try body(temporary)
  }

  /// Flushes what was written to the disk; nothing can be appended afterwards.
  package func flush() throws(AtomicFileError) {
    precondition(descriptor >= 0, "AtomicFileWriter: flushed twice")
    if fsync(descriptor) != 0 {
      throw AtomicFileError(path: path, operation: "fsync", code: errno)
    }
    let closed = close(descriptor)
    descriptor = -1
    // Network file systems report some failures only here.
    if closed != 0 { throw AtomicFileError(path: path, operation: "close", code: errno) }
  }

  /// Flushes what was written to the disk and gives it the file's name; then flushes the folder,
  /// so that the rename survives a power cut.
  public func commit() throws(AtomicFileError) {
    precondition(!isCommitted, "AtomicFileWriter: committed twice")
    if descriptor >= 0 { try flush() }
    if rename(temporary, path) != 0 {
      throw AtomicFileError(path: path, operation: "rename", code: errno)
    }
    isCommitted = true
    try AtomicFile.flushFolder(of: url)
  }
}
