import Foundation

/// Reads what has been added to a text file since the last look, whole lines only.
///
/// A file that has been replaced, or has become shorter, is read from its beginning again.
struct FileTail {
  /// Where the file lies.
  let path: String
  /// When it was last written, as its file system says; nil before the first look.
  private(set) var modified: Date?
  private var position: UInt64 = 0
  private var identity: UInt64?
  private var fragment = Data()

  init(path: String) { self.path = path }

  /// Result of one reading.
  struct Look {
    /// Lines that were completed since the last look.
    let lines: [Substring]
    /// Whether the file is another one than at the last look: what was read of it is void.
    let isAnother: Bool
  }

  /// The lines that are new. Nil if the file cannot be read now; so it may be later.
  mutating func look() -> Look? {
    var status = stat()
    guard stat(path, &status) == 0, let file = FileHandle(forReadingAtPath: path) else {
      return nil
    }
    defer { try? file.close() }
    let size = UInt64(status.st_size)
    let isAnother =
      identity.map { $0 != UInt64(status.st_ino) || size < position } ?? false
    let start = isAnother ? 0 : position
    var data = isAnother ? Data() : fragment
    if size > start {
      guard (try? file.seek(toOffset: start)) != nil, let added = try? file.readToEnd() else {
        return nil
      }
      data += added
      position = start + UInt64(added.count)
    } else {
      position = start
    }
    // Only now: a look that fails must not hide that the file is another.
    identity = UInt64(status.st_ino)
    modified = Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec))
    guard let end = data.lastIndex(of: UInt8(ascii: "\n")) else {
      fragment = data
      return Look(lines: [], isAnother: isAnother)
    }
    fragment = Data(data[data.index(after: end)...])
    let text = String(decoding: data[...end], as: UTF8.self)
    return Look(lines: text.split(whereSeparator: \.isNewline), isAnother: isAnother)
  }
}
