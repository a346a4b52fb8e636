import Files
import Foundation
import Platform

/// A hostfile of Open MPI: a line for each machine, its name and then `key=value`, such as
/// `node01 slots=32`. Comments begin with `#` or `//`.
///
/// mpirun answers a mistake with "internal error" or the number of a token; this reader names the
/// line, before anything is started.
package struct Hostfile: Equatable, Sendable {
  /// One machine.
  package struct Host: Equatable, Sendable {
    /// Its name as the launcher reaches it, with the user before an `@` if the file has one.
    package let name: String
    /// Ranks that it takes; nil where the file leaves that to Open MPI.
    package let slots: Int?
  }

  /// The machines, in the order of the lines.
  package let hosts: [Host]

  /// Keys of which a machine has one number.
  private static let numbers: Set<String> = [
    "slots", "cpu", "count", "max_slots", "max-slots", "slots_max", "slots-max", "max_cpus",
    "max-cpus", "cpu_max", "cpu-max",
  ]
  /// Keys among them that give the ranks of a machine.
  private static let counts: Set<String> = ["slots", "cpu", "count"]
  private static let texts: Set<String> = ["username", "user-name", "user_name"]

  /// Reads the file at `path`.
  ///
  /// - Throws: `LaunchError.hostfileMissing` or `hostfileBroken`.
  package init(path: String) throws(LaunchError) {
    guard let data = try? FileContents.read(URL(fileURLWithPath: path)) else {
      throw .hostfileMissing(path: path)
    }
    try self.init(data, path: path)
  }

  /// Reads the bytes of the file at `path`.
  package init(_ data: Data, path: String) throws(LaunchError) {
    let controls = Set(UInt8(0)..<32).subtracting("\t\n\r".utf8)
    guard let text = String(validating: data, as: UTF8.self),
      !text.utf8.contains(where: controls.contains)
    else {
      throw .hostfileBroken(path: path, line: nil, reason: "it is no text")
    }
    var hosts: [Host] = []
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      do throws(Fault) {
        guard let host = try Self.host(line) else { continue }
        if host.slots != nil, hosts.contains(where: { $0.name == host.name && $0.slots != nil }) {
          throw Fault(reason: "\(host.name) has its slots in an earlier line already")
        }
        hosts.append(host)
      } catch {
        throw .hostfileBroken(path: path, line: index + 1, reason: error.reason)
      }
    }
    if hosts.isEmpty { throw .hostfileBroken(path: path, line: nil, reason: "it names no host") }
    self.hosts = hosts
  }

  private struct Fault: Error {
    let reason: String
  }

  /// The machine of a line; nil for an empty one.
  private static func host(_ line: Substring) throws(Fault) -> Host? {
    var code = line.prefix { $0 != "#" }
    if let comment = code.range(of: "//") { code = code[..<comment.lowerBound] }
    var words = code.replacing("=", with: " = ").split(whereSeparator: \.isWhitespace)[...]
    guard let name = words.popFirst() else { return nil }
    if let colon = name.firstIndex(of: ":"), !name[..<colon].isEmpty {
      throw Fault(
        reason: "\(excerpt(name)) is MPICH's form; write \(excerpt(name[..<colon])) "
          + "slots=\(excerpt(name[colon...].dropFirst()))")
    }
    let isName = name.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", ".", "-", "_", "@", "+", "^", "[", "]", ",": true
      default: false
      }
    }
    guard isName, words.first != "=" else {
      throw Fault(reason: "\"\(excerpt(name))\" is no name of a host")
    }
    // A bare number behind the name is what Open MPI takes for slots.
    if words.count == 1, let word = words.first, let slots = Int(word), slots >= 0 {
      return Host(name: String(name), slots: slots)
    }
    var slots: Int?
    while let key = words.popFirst() {
      guard words.popFirst() == "=", let value = words.popFirst() else {
        throw Fault(reason: "\"\(excerpt(key))\" has no value; write \(excerpt(key))=NUMBER")
      }
      let lower = key.lowercased()
      if numbers.contains(lower) {
        guard let number = Int(value), (0...1_000_000).contains(number) else {
          throw Fault(
            reason: "\(lower) is \"\(excerpt(value))\", not a number of ranks")
        }
        if counts.contains(lower) { slots = number }
      } else if !texts.contains(lower) {
        throw Fault(reason: "the key \"\(excerpt(key))\" is none that Open MPI knows")
      }
    }
    return Host(name: String(name), slots: slots)
  }

  private static func excerpt(_ text: some StringProtocol) -> String {
    text.count <= 40 ? String(text) : "\(text.prefix(40))…"
  }
}
