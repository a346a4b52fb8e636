import Foundation
import Platform

/// The name of a file that is not complete yet: `<path>.tmp-<host>-<process id>`.
///
/// Hosts that write into one shared folder often have processes of the same number, so the host is
/// part of it. A process writes a path once at a time.
package struct TemporaryName: Equatable, Sendable {
  /// Name of the file that is to be.
  package let target: String
  /// The machine that writes it; nil in the names of version 0.1.0.
  package let host: String?
  /// The process that writes it, on that machine.
  package let process: Int32

  private static let mark = ".tmp-"

  /// The path under which this process writes the file at `path` until it is complete.
  package static func path(for path: String) -> String { "\(path)\(mark)\(ownHost)-\(getpid())" }

  /// Reads a file's name, without its folder; nil for other names.
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

  /// Whether a process of this machine made it, which may have ended.
  package var isOfThisHost: Bool { host == Self.ownHost }

  /// Whether that process runs; means something only on its machine.
  package var isProcessAlive: Bool { kill(process, 0) == 0 || errno != ESRCH }

  private static var ownHost: String { fileNamePart(HostName.own) }

  /// A host's name with what might not stand in a file name as underscores. A dot is none of it
  /// either, so that the mark occurs once.
  package static func fileNamePart(_ host: String) -> String {
    let safe = host.utf8.prefix(64).map { byte -> Character in
      let letter = Character(Unicode.Scalar(byte))
      return letter.isASCII && (letter.isLetter || letter.isNumber || letter == "-") ? letter : "_"
    }
    return safe.isEmpty ? "_" : String(safe)
  }
}
