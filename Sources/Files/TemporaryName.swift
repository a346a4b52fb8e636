import Foundation
import Platform

/// The name of a file that is not complete yet: `<path>.tmp-<host>-<process id>`.
///
/// The host is part of the name because hosts that write into one shared folder often have
/// processes with equal ids. A process writes a path only once at a time.
package struct TemporaryName: Equatable, Sendable {
  /// Name of the file once it is complete.
  package let target: String
  /// Host that writes the file; nil in the names of version 0.1.0.
  package let host: String?
  /// Id of the process that writes the file on its host.
  package let process: Int32

  private static let mark = ".tmp-"

  /// Path under which this process writes the file at `path` until it is complete.
  package static func path(for path: String) -> String { "\(path)\(mark)\(ownHost)-\(getpid())" }

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
