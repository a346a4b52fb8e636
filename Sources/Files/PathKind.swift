import Foundation

/// The kind of thing that a path names, after symbolic links.
package enum PathKind {
  /// A regular file, whose bytes can be read twice.
  case file
  case folder
  /// A pipe, a device or a socket.
  case other

  /// The kind of what `path` names; nil if there is nothing.
  package init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .folder
    default: self = .other
    }
  }
}
