import Files
import Foundation
import Platform

/// The audio files (`.wav`, `.flac`) of a folder and its subfolders, by their names: the path
/// relative to the folder, without extension, such as `p226/p226_001`.
package struct AudioFolder {
  /// The folder.
  package let folder: String
  /// Files whose name is that of another file.
  package private(set) var duplicates: [BadFile] = []
  /// Files and folders whose names are no text, so that no path can give them.
  package private(set) var unusable: [BadFile] = []
  /// The relative paths, in the order of their names, each of another name.
  private(set) var files = NameTable()

  /// Whether the folder has no audio file, not even one that cannot be used.
  package var isEmpty: Bool { files.count == 0 && bad.isEmpty }

  /// Path of the file with each name.
  package var paths: [String: String] {
    Dictionary(
      uniqueKeysWithValues: (0..<files.count).map { item in
        (String(decoding: Self.name(files[item]), as: UTF8.self), "\(folder)/\(files.text(item))")
      })
  }

  /// Lists `folder` with its subfolders, and takes the files whose names `isTaken` accepts.
  ///
  /// A link to a folder is followed, unless that holds the link. Names that begin with a dot are
  /// left out: other operating systems leave such files, which are no recordings. So is the folder
  /// `omitted`, for outputs inside.
  ///
  /// - Throws: `PairedDatasetError.unreadableFolder`.
  package init(
    _ folder: String, omitting omitted: String? = nil,
    taking isTaken: (String) -> Bool = { _ in true }
  ) throws(PairedDatasetError) {
    self.folder = folder
    var found = FolderListing(folder, omitting: omitted)
    try found.list("", inside: [])
    let order = found.files.sortedItems(by: Self.name)
    var last: ArraySlice<UInt8>?
    for item in order {
      let file = found.files[item]
      let name = Self.name(file)
      guard isTaken(String(decoding: name, as: UTF8.self)) else { continue }
      if let last, files.count > 0,
        NameTable.compare(Self.name(last), name, areASCII: found.files.isASCII) == 0
      {
        let other = "\(folder)/\(files.text(files.count - 1))"
        duplicates.append(
          BadFile(
            path: "\(folder)/\(found.files.text(item))",
            reason: "has the same name as \(other)\(Self.form(file, last))"))
        continue
      }
      files.append(file)
      last = file
    }
    unusable = found.unusable
  }

  /// Files that cannot be used because of their names.
  package var bad: [BadFile] { duplicates + unusable }

  /// Words for names that look the same and are not.
  private static func form(_ file: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> String {
    name(file).elementsEqual(name(other)) ? "" : ", in another Unicode form"
  }

  /// The path relative to the folder of a file in it.
  package func relative(_ path: String) -> String { String(path.dropFirst(folder.count + 1)) }

  /// The relative path `file` without its extension.
  static func name(_ file: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    file[..<(file.lastIndex(of: UInt8(ascii: ".")) ?? file.endIndex)]
  }
}

/// The audio files of a folder in any order, as the system lists them.
private struct FolderListing {
  private let root: String
  private let omitted: Identity?
  var files = NameTable()
  /// Files and folders with names that are no text.
  var unusable: [BadFile] = []

  /// A folder as the system knows it, whatever it is called.
  struct Identity: Equatable {
    var device: UInt
    var number: UInt

    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      device = UInt(status.st_dev)
      number = UInt(status.st_ino)
    }
  }

  init(_ root: String, omitting omitted: String?) {
    self.root = root
    self.omitted = omitted.flatMap { Identity($0) }
  }

  /// Adds the files of the folder `relative`, which lies in the folders `outer`.
  mutating func list(_ relative: String, inside outer: [Identity]) throws(PairedDatasetError) {
    let path = relative.isEmpty ? root : "\(root)/\(relative)"
    guard let own = Identity(path), let directory = opendir(path) else {
      throw .unreadableFolder(path: path, reason: String(cString: strerror(errno)))
    }
    defer { closedir(directory) }
    if outer.contains(own) || own == omitted && !outer.isEmpty { return }
    var folders: [String] = []
    let prefix = relative.isEmpty ? [] : Array("\(relative)/".utf8)
    while true {
      // Which is the sign of an error only if it was 0.
      errno = 0
      guard let entry = readdir(directory) else { break }
      let kind = Int32(entry.pointee.d_type)
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name.first == UInt8(ascii: ".") { continue }
      let isAudio = Self.isAudio(name)
      // Only a link or a file system without kinds has to be asked.
      let isFolder =
        kind == DT_DIR
        || (kind == DT_LNK || kind == DT_UNKNOWN) && !isAudio
          && PathKind("\(path)/\(String(decoding: name, as: UTF8.self))") == .folder
      if !isFolder && !isAudio { continue }
      guard let text = RawText.text(name) else {
        unusable.append(
          BadFile(
            path: "\(path)/\(RawText.escaped(name))",
            reason: "has a name that is not UTF-8; rename the \(isFolder ? "folder" : "file")"))
        continue
      }
      if isFolder {
        folders.append(relative.isEmpty ? text : "\(relative)/\(text)")
      } else {
        files.append(prefix + name)
      }
    }
    if errno != 0 {
      throw .unreadableFolder(path: path, reason: String(cString: strerror(errno)))
    }
    for folder in folders.sorted() { try list(folder, inside: outer + [own]) }
  }

  private static func isAudio(_ name: [UInt8]) -> Bool {
    [".wav", ".flac"].contains { suffix in
      name.count > suffix.utf8.count
        && name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) { $0 | 0x20 == $1 | 0x20 }
    }
  }
}
