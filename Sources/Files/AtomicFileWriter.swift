import Foundation
import Platform

/// A file that is written piece by piece and appears under its name only when it is complete.
///
/// The pieces go to a file with a `TemporaryName` beside it. A writer that is dropped before
/// `commit` removes that, and the previous version of the file stays. Only a regular file is
/// replaced, or a symbolic link to one or to nothing (the link itself): never a device, a pipe or a
/// folder, which a rename would destroy. Between `flush` and `commit` the
/// contents can be looked at.
public final class AtomicFileWriter {
  /// How a file is kept until it is complete, and how safe it is then.
  public enum Manner: Sendable {
    /// In a file with a `TemporaryName` beside it, and on the disk before it has its name: for
    /// what a power cut must not take.
    case durable
    /// Without a name where the file system can (Linux' `O_TMPFILE`), so that even a killed process
    /// leaves nothing behind, and with a `TemporaryName` elsewhere; the system flushes it when it
    /// likes: for one of many files that can be made again.
    case unflushed
  }

  private let url: URL
  private let path: String
  private let manner: Manner
  /// Where the contents of a durable file are until they have their name.
  package let temporary: String
  /// Bytes so far.
  package private(set) var byteCount = 0
  private var descriptor: Int32
  /// Whether there is a file named `temporary`.
  private var isNamed = false
  private var isCommitted = false

  /// Opens a file for the one at `url`. Throws if that cannot be written, or if something has the
  /// name that is no file.
  public init(_ url: URL, _ manner: Manner = .durable) throws(AtomicFileError) {
    self.url = url
    self.manner = manner
    path = url.path(percentEncoded: false)
    temporary = TemporaryName.path(for: path)
    descriptor = -1
    if !Self.isReplaceable(path) {
      // URLs of folders end with a slash.
      throw .notAFile(path: path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    }
    if manner == .unflushed { descriptor = Self.openUnnamed(beside: path) }
    if descriptor >= 0 { return }
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw failure("open") }
    isNamed = true
  }

  /// A file without a name in the folder of `path`; -1 where there can be none.
  private static func openUnnamed(beside path: String) -> Int32 {
    let folder = PathText.folder(path)
    // The flag is a macro that Swift does not see: __O_TMPFILE | O_DIRECTORY.
    let unnamed = 0o20_000_000 | O_DIRECTORY
    let descriptor = open(folder, unnamed | O_WRONLY | O_CLOEXEC, 0o666)
    if descriptor >= 0, access("/proc/self/fd/\(descriptor)", F_OK) != 0 {
      // Without /proc it could not be given a name later.
      close(descriptor)
      return -1
    }
    return descriptor
  }

  private func failure(_ operation: String) -> AtomicFileError {
    AtomicFileError(path: path, operation: operation, code: errno)
  }

  /// Whether nothing, a regular file, or a link to either is at `path`.
  private static func isReplaceable(_ path: String) -> Bool {
    var path = path
    // As many links as the system follows.
    for _ in 0..<40 {
      let folder = PathText.folder(path)
      guard let real = realpath(folder, nil) else { return true }
      defer { free(real) }
      // A link to an open file, such as /dev/stdout, has a text that is no path: "pipe:[4711]".
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
    if isNamed { unlink(temporary) }
  }

  /// Appends `bytes`.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(AtomicFileError) {
    try write(bytes, at: byteCount)
  }

  /// Writes `bytes` at `offset`, over what is there or behind it: for a header that is known when
  /// all is written.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(AtomicFileError) {
    precondition(descriptor >= 0, "AtomicFileWriter: writing after flush or commit")
    var done = 0
    while done < bytes.count {
      // Linux writes at most 2 GB at once.
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...].prefix(1 << 30))
      let written = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      if written < 0 && errno == EINTR { continue }
      if written < 0 { throw failure("write") }
      done += written
    }
    byteCount = max(byteCount, offset + bytes.count)
  }

  /// Flushes what was written to the disk, forgets it in memory, and calls `body` with the path
  /// under which it can be read before it is committed.
  package func inspect<Result>(_ body: (_ temporary: String) throws -> Result) throws -> Result {
    precondition(descriptor >= 0 && isNamed, "AtomicFileWriter: inspected without a name")
    if fsync(descriptor) != 0 { throw failure("fsync") }
    // So that the disk is asked; only advice, some file systems have nothing else to read from.
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    return try body(temporary)
  }

  /// Flushes what was written to the disk; nothing can be appended afterwards.
  package func flush() throws(AtomicFileError) {
    precondition(descriptor >= 0, "AtomicFileWriter: flushed twice")
    if manner == .durable, fsync(descriptor) != 0 { throw failure("fsync") }
    let closed = close(descriptor)
    descriptor = -1
    // Network file systems report some failures only here.
    if closed != 0 { throw failure("close") }
  }

  /// Gives the file its name, in place of what has it now. A durable one is flushed to the disk
  /// before, and the folder afterwards, so that the rename survives a power cut.
  public func commit() throws(AtomicFileError) {
    precondition(!isCommitted, "AtomicFileWriter: committed twice")
    if !isNamed {
      // `linkat` does not replace a file, so the name comes in two steps.
      unlink(temporary)
      let own = "/proc/self/fd/\(descriptor)"
      if linkat(AT_FDCWD, own, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) != 0 {
        throw failure("linkat")
      }
      isNamed = true
    }
    if descriptor >= 0 { try flush() }
    if rename(temporary, path) != 0 { throw failure("rename") }
    isNamed = false
    isCommitted = true
    if manner == .durable { try AtomicFile.flushFolder(of: url) }
  }
}
