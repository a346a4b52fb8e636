import Foundation

/// Why a file could not be written.
public enum AtomicFileError: Error, Equatable, CustomStringConvertible {
  /// The disk or the quota is full.
  case noSpace(path: String)
  /// The folder does not exist.
  case folderMissing(path: String)
  /// The folder or the file may not be written.
  case notPermitted(path: String, reason: String)
  /// The file is larger than the process or the file system may have it.
  case tooLarge(path: String)
  /// Something that is no file has the name: a device, a pipe, a folder, or a link to one.
  case notAFile(path: String)
  /// Anything else; `reason` is the system's text.
  case failed(path: String, operation: String, reason: String)

  /// One sentence that names the file and says what to do.
  public var description: String {
    switch self {
    case .noSpace(let path):
      "\(path) could not be written: no space left on the device or in the quota; the previous "
        + "version, if any, is untouched; free some space or choose another folder"
    case .folderMissing(let path):
      "\(path) could not be written: its folder does not exist; create it first"
    case .notPermitted(let path, let reason):
      "\(path) could not be written: \(reason); choose a folder that this user may write"
    case .tooLarge(let path):
      "\(path) could not be written: it would be larger than files may be here; the previous "
        + "version, if any, is untouched; raise the limit of this process (ulimit -f) or choose a "
        + "file system that takes larger files"
    case .notAFile(let path): "\(path) is no regular file; give the name of a file"
    case .failed(let path, let operation, let reason):
      "\(path) could not be written: \(operation) failed, \(reason)"
    }
  }

  /// The system's text for what is wrong, without the file's name and what to do.
  package var reason: String {
    switch self {
    case .noSpace: String(cString: strerror(ENOSPC))
    case .folderMissing: String(cString: strerror(ENOENT))
    case .tooLarge: String(cString: strerror(EFBIG))
    case .notPermitted(_, let reason), .failed(_, _, let reason): reason
    case .notAFile: "something that is no regular file has this name"
    }
  }

  /// Error of a system call, by its `errno`, `code`; `operation` names the call in the message.
  package init(path: String, operation: String, code: Int32) {
    let reason = String(cString: strerror(code))
    switch code {
    case ENOSPC, EDQUOT: self = .noSpace(path: path)
    case EFBIG: self = .tooLarge(path: path)
    case ENOENT, ENOTDIR: self = .folderMissing(path: path)
    case EACCES, EPERM, EROFS: self = .notPermitted(path: path, reason: reason)
    default: self = .failed(path: path, operation: operation, reason: reason)
    }
  }
}

/// Writes files that are either the old version or the whole new one, whenever a run is killed.
public enum AtomicFile {
  /// Replaces the file at `url` by `bytes`.
  public static func write(
    _ bytes: [UInt8], to url: URL, _ manner: AtomicFileWriter.Manner = .durable
  ) throws(AtomicFileError) {
    try bytes.withUnsafeBufferPointer { buffer throws(AtomicFileError) in
      try write([UnsafeRawBufferPointer(buffer)], to: url, manner)
    }
  }

  /// Replaces the file at `url` by `text` in UTF-8.
  public static func write(_ text: String, to url: URL) throws(AtomicFileError) {
    try write(Array(text.utf8), to: url)
  }

  /// Replaces the file at `url` by `pieces`, one after another.
  ///
  /// See `AtomicFileWriter` for how. On failure the previous version stays.
  public static func write(
    _ pieces: [UnsafeRawBufferPointer], to url: URL,
    _ manner: AtomicFileWriter.Manner = .durable
  ) throws(AtomicFileError) {
    let writer = try AtomicFileWriter(url, manner)
    for piece in pieces { try writer.append(piece) }
    try writer.commit()
  }

  /// Throws unless a file can be written at `path`: for commands that work long before they write.
  /// Leaves nothing behind.
  package static func requireWritable(_ path: String) throws(AtomicFileError) {
    _ = try AtomicFileWriter(URL(fileURLWithPath: path))
  }

  /// Flushes the folder that `url` is in, so that new and renamed files survive a power cut.
  static func flushFolder(of url: URL) throws(AtomicFileError) {
    let path = url.path(percentEncoded: false)
    let folder = open(
      url.deletingLastPathComponent().path(percentEncoded: false),
      O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder < 0 { throw AtomicFileError(path: path, operation: "open folder", code: errno) }
    defer { close(folder) }
    // Some file systems cannot flush a folder; they say so with EINVAL.
    if fsync(folder) != 0 && errno != EINVAL && errno != ENOTSUP {
      throw AtomicFileError(path: path, operation: "fsync of the folder", code: errno)
    }
  }

  /// Removes what runs that died while writing left in `folder`, of the file `name` or of all, and
  /// returns the file names.
  ///
  /// A temporary of this host is stale if its process is gone and nothing was written to it for
  /// `minimumAge` seconds: hosts of one name may share a folder, and containers of one host have
  /// numbers of their own. A temporary of another host, whose processes are not known here, is
  /// stale after `foreignAge` seconds, a day, since its network may hang for long; so is any other.
  @discardableResult
  public static func removeStaleTemporaries(
    in folder: URL, of name: String? = nil, minimumAge: Double = 60, foreignAge: Double = 86_400
  ) throws(AtomicFileError) -> [String] {
    let path = folder.path(percentEncoded: false)
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw .folderMissing(path: path)
    }
    var removed: [String] = []
    for entry in names.sorted() {
      guard let temporary = TemporaryName(entry), name.map(temporary.belongs) ?? true
      else { continue }
      let file = folder.appending(path: entry).path(percentEncoded: false)
      var status = stat()
      if lstat(file, &status) != 0 { continue }
      let age = Date().timeIntervalSince1970 - Double(status.st_mtim.tv_sec)
      let isDead = temporary.isOfThisHost && !temporary.isProcessAlive
      if age < (isDead ? min(minimumAge, foreignAge) : foreignAge) { continue }
      if unlink(file) == 0 { removed.append(entry) }
    }
    return removed
  }
}
