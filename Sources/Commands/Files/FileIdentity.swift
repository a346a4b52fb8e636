import Foundation

/// A file or folder as the file system knows it, whatever names and links lead to it.
struct FileIdentity: Hashable {
  private let device: dev_t
  private let number: ino_t

  init(_ status: stat) {
    device = status.st_dev
    number = status.st_ino
  }

  /// Status of what `path` leads to; nil if there is nothing.
  static func status(_ path: some Sequence<UInt8>) -> stat? {
    var status = stat()
    let bytes = path.map(CChar.init(bitPattern:)) + [0]
    return stat(bytes, &status) == 0 ? status : nil
  }
}

extension stat {
  var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
  var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
}

/// The files of a folder and of the folders in it, by the bytes of their names: not all names are
/// text.
struct FolderWalk {
  /// Deeper trees are no corpora, and links may lead in circles.
  private static let depth = 8

  /// Whether any file of the tree at `folder` whose name `isTaken` has one of `identities`.
  static func contains(
    _ identities: Set<FileIdentity>, in folder: [UInt8], depth: Int = depth,
    isTaken: ([UInt8]) -> Bool
  ) -> Bool {
    guard let stream = opendir(folder.map(CChar.init(bitPattern:)) + [0]) else { return false }
    defer { closedir(stream) }
    var folders: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name.first == UInt8(ascii: ".") { continue }
      let path = folder + [UInt8(ascii: "/")] + name
      // The type is in the list, so that most files need no request of their own.
      let isFile = Int32(entry.pointee.d_type) == DT_REG
      if isFile && !isTaken(name) { continue }
      guard let status = FileIdentity.status(path) else { continue }
      if status.isFolder {
        if depth > 0 { folders.append(path) }
      } else if isTaken(name), identities.contains(FileIdentity(status)) {
        return true
      }
    }
    return folders.contains { contains(identities, in: $0, depth: depth - 1, isTaken: isTaken) }
  }
}
