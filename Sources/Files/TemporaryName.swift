import Foundation
import Platform

/// The name of a file that is not complete yet: `<path>.tmp-<host>-<process id>`, or shorter where
/// that would be too long.
///
/// The host is part of the name because hosts that write into one shared folder often have
/// processes with equal ids. A process writes a path only once at a time.
package struct TemporaryName: Equatable, Sendable {
  /// Name of the file once it is complete, perhaps shortened.
  package let target: String
  /// Host that writes the file; nil in the names of version 0.1.0.
  package let host: String?
  /// Id of the process that writes the file on its host.
  package let process: Int32

  private static let mark = ".tmp-"

  /// Longest file name in bytes, on nearly all file systems (`NAME_MAX`).
  private static let longest = 255

  /// Path under which this process writes the file at `path` until it is complete.
  ///
  /// It fits wherever the name of the file itself fits: a long name is shortened, and a hash of the
  /// whole name keeps it apart from others that begin alike.
  package static func path(for path: String) -> String {
    let maker = "\(mark)\(ownHost)-\(getpid())"
    let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    let folder = path[..<name.startIndex]
    let limit = pathconf(folder.isEmpty ? "." : String(folder), Int32(_PC_NAME_MAX))
    let room = (limit > 0 ? min(limit, longest) : longest) - maker.utf8.count
    return folder + shortened(name, to: room) + maker
  }

  /// The name `name` if it has at most `room` bytes; else its beginning, `~` and a hash of it all.
  private static func shortened(_ name: some StringProtocol, to room: Int) -> String {
    if name.utf8.count <= room { return String(name) }
    let hash = "~" + String(format: "%016llx", FNV1a.hash(name.utf8))
    var left = room - hash.utf8.count
    let kept = name.prefix { character in
      left -= character.utf8.count
      return left >= 0
    }
    return kept + hash
  }

  /// Whether this is the name of a file named `name` that is not complete.
  package func belongs(to name: String) -> Bool {
    target == name || target == Self.shortened(name, to: target.utf8.count)
  }

  /// Parses the name of a file, without its folder; nil if it is no temporary name.
  package init?(_ name: String) {
    guard let mark = name.range(of: Self.mark, options: .backwards) else { return nil }
    target = String(name[..<mark.lowerBound])
    let maker = name[mark.upperBound...]
    let digits: Substring
    if let dash = maker.lastIndex(of: "-") {
      host = String(maker[..<dash])
      digits = maker[maker.index(after: dash)...]
    } else {
      host = nil
      digits = maker
    }
    guard host != "", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let process = Int32(digits), process > 0
    else { return nil }
    self.process = process
  }

  /// Whether a process of this host has made the file; the process may have ended.
  package var isOfThisHost: Bool { host == Self.ownHost }

  /// Whether the process runs; meaningful only on its host.
  package var isProcessAlive: Bool { kill(process, 0) == 0 || errno != ESRCH }

  private static var ownHost: String { fileNamePart(HostName.own) }

  /// The host name with every character but letters, digits and hyphens replaced by `_`, and cut to
  /// 64 characters. Dots are replaced too, so that the mark occurs only once in a temporary name.
  package static func fileNamePart(_ host: String) -> String {
    let safe = host.utf8.prefix(64).map { byte -> Character in
      let letter = Character(Unicode.Scalar(byte))
      return letter.isASCII && (letter.isLetter || letter.isNumber || letter == "-") ? letter : "_"
    }
    return safe.isEmpty ? "_" : String(safe)
  }
}
