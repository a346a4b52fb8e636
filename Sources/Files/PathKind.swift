import Foundation

/// The kind of thing that a path names, after symbolic links.
package enum PathKind {
  /// A file, or anything else that is no folder.
  case file
  case folder

  /// The kind of what `path` names; nil if there is nothing.
  package init?(_ path: String) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
    self = isFolder.boolValue ? .folder : .file
  }
}
