import Files
import Foundation

/// Reads what has been added to a text file since the last look, whole lines only.
///
/// A file that has been replaced, or has become shorter, is read from its beginning again.
struct FileTail {
  /// Where the file lies.
  let path: String
  /// When it was last written, as its file system says; nil before the first look.
  private(set) var modified: Date?
  private var position = 0
  private var identity: UInt64?
  private var lines = WholeLines()

  init(path: String) { self.path = path }

  /// Calls `line` with each line that was completed since the last look, and with `modified`. If
  /// the file is another one than at the last look, `isAnother` is called first: what was read of
  /// the old one is void.
  ///
  /// Does nothing if the file cannot be read now; so it may be later.
  mutating func look(isAnother: () -> Void, line: (UnsafeRawBufferPointer, Date?) -> Void) {
    // A pipe must not be waited for.
    let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if file < 0 { return }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { return }
    let size = Int(status.st_size)
    if let identity, identity != UInt64(status.st_ino) || size < position {
      position = 0
      lines = WholeLines()
      isAnother()
    }
    identity = UInt64(status.st_ino)
    let modified = Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec))
    self.modified = modified
    guard size > position, lseek(file, off_t(position), SEEK_SET) >= 0 else { return }
    position += lines.read(file) { line($0, modified) }.byteCount
  }
}
