import Foundation
import Platform

/// Ways in which a second name leads to a file, from the best to the one that every file system
/// has.
package enum FileLink: Int, Comparable, Sendable {
  /// A symbolic link.
  case symbolic
  /// A hard link: the file itself under a second name.
  case hard
  /// A copy.
  case copy

  /// Order from the best way to the last.
  package static func < (one: FileLink, other: FileLink) -> Bool { one.rawValue < other.rawValue }

  /// Whether a system call failed with `code` because the file system has no such links. Any other
  /// failure would meet the next way, too.
  private static func isMissing(_ code: Int32) -> Bool {
    [EPERM, EOPNOTSUPP, ENOTSUP, ENOSYS].contains(code)
  }

  /// Makes `url` lead to the file `destination` of the same folder, in place of whatever has that
  /// name, in the first way from `best` on that the file system has; returns that way.
  ///
  /// A link cannot be changed; a new one is renamed over it, so that there is always one.
  package static func make(
    _ url: URL, to destination: String, best: FileLink = .symbolic
  ) throws(AtomicFileError) -> FileLink {
    let path = url.path(percentEncoded: false)
    let target = url.deletingLastPathComponent().appending(path: destination)
    let temporary = TemporaryName.path(for: path)
    let way = try makeTemporary(
      temporary, to: destination, target.path(percentEncoded: false), best: best, path)
    if way == .copy {
      try copy(target, to: url)
      return way
    }
    // Two names of one file stay what they are when one is renamed to the other.
    defer { unlink(temporary) }
    if rename(temporary, path) != 0 {
      throw AtomicFileError(path: path, operation: "rename", code: errno)
    }
    try AtomicFile.flushFolder(of: url)
    return way
  }

  /// The way that `make` would take for `url`, which stays as it is.
  package static func way(
    for url: URL, best: FileLink = .symbolic
  ) throws(AtomicFileError) -> FileLink {
    let path = url.path(percentEncoded: false)
    let file = TemporaryName.path(for: path + ".trial")
    let temporary = TemporaryName.path(for: path)
    let descriptor = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw AtomicFileError(path: path, operation: "open", code: errno) }
    close(descriptor)
    defer {
      unlink(file)
      unlink(temporary)
    }
    let name = PathText.name(file)
    return try makeTemporary(temporary, to: name, file, best: best, path)
  }

  /// Makes the link `temporary` to `destination`, whose path is `target`, unless a copy is needed.
  private static func makeTemporary(
    _ temporary: String, to destination: String, _ target: String, best: FileLink, _ path: String
  ) throws(AtomicFileError) -> FileLink {
    unlink(temporary)
    if best == .symbolic {
      if symlink(destination, temporary) == 0 { return .symbolic }
      if !isMissing(errno) {
        throw AtomicFileError(path: path, operation: "symlink", code: errno)
      }
    }
    if best <= .hard {
      if Foundation.link(target, temporary) == 0 { return .hard }
      if !isMissing(errno) { throw AtomicFileError(path: path, operation: "link", code: errno) }
    }
    return .copy
  }

  private static func copy(_ source: URL, to url: URL) throws(AtomicFileError) {
    let path = url.path(percentEncoded: false)
    let input = open(source.path(percentEncoded: false), O_RDONLY | O_CLOEXEC)
    if input < 0 { throw AtomicFileError(path: path, operation: "open", code: errno) }
    defer { close(input) }
    let writer = try AtomicFileWriter(url)
    var block = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = read(input, &block, block.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw AtomicFileError(path: path, operation: "read", code: errno) }
      if count == 0 { break }
      try block.withUnsafeBufferPointer { bytes throws(AtomicFileError) in
        try writer.append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[..<count])))
      }
    }
    try writer.commit()
  }
}
