import Foundation
import Platform

/// The process that trains in a run folder, as the folder's lock file names it.
package struct RunOwner: Codable, Equatable, Sendable {
  /// Name of its host.
  package var host: String
  /// Its process id there.
  package var process: Int32
  /// When it began, in seconds since 1970 by the clock of its host.
  package var since: Double
  /// Name and version of the program.
  package var program: String
  /// Identifier of the start of its machine (`HostName.boot`).
  package var boot: String
  /// Identifier of the process ids that it sees: containers of one machine count for themselves.
  package var namespace: String
  /// Text that no other owner has.
  package var token: String
  /// Number that grows while the owner lives.
  package var beat = 0

  /// This process, as an owner of its own from now on.
  package static func own(program: String = Program.nameAndVersion) -> RunOwner {
    RunOwner(
      host: HostName.own, process: getpid(), since: Date().timeIntervalSince1970.rounded(),
      program: program, boot: HostName.boot, namespace: ownNamespace,
      token: String(UInt64.random(in: 0 ... .max), radix: 16))
  }

  /// An owner with these properties; see the properties.
  package init(
    host: String, process: Int32, since: Double, program: String, boot: String, namespace: String,
    token: String
  ) {
    self.host = host
    self.process = process
    self.since = since
    self.program = program
    self.boot = boot
    self.namespace = namespace
    self.token = token
  }

  private static var ownNamespace: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""
  }

  /// Whether it runs, or ran, on this machine since that was started.
  package var isOfThisMachine: Bool { !boot.isEmpty && boot == HostName.boot }

  /// Whether a process with its id runs, where that can be seen from here; nil elsewhere.
  private var isRunning: Bool? {
    guard isOfThisMachine, namespace == Self.ownNamespace else { return nil }
    return kill(process, 0) == 0 || errno != ESRCH
  }

  /// Whether it certainly lives no more.
  package var isDead: Bool { isRunning == false }

  /// Whether it may live although its lock is free: on another machine, whose locks may not reach
  /// this one; or on this one, which may have mounted a network file system twice.
  package var mayLiveWithoutLock: Bool { isRunning ?? !isOfThisMachine }

  /// Name for messages, such as "node-a process 812".
  package var name: String { "\(host) process \(process)" }

  /// When it began, in local time.
  package var sinceText: String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyy-MM-dd HH:mm:ss"
    return formatter.string(from: Date(timeIntervalSince1970: since))
  }

  /// Bytes of a lock file. All have one size, so that one can be written over another.
  package static let byteCount = 1024

  /// The owner that the bytes of a lock file name; nil if they name none.
  package init?(_ bytes: [UInt8]) {
    guard let owner = try? JSONDecoder().decode(RunOwner.self, from: Data(bytes)) else {
      return nil
    }
    self = owner
  }

  /// The bytes of the lock file: JSON, and spaces up to `byteCount`.
  package var bytes: [UInt8] {
    let text = Array(((try? JSONEncoder.sorted.encode(self)) ?? Data()).prefix(Self.byteCount - 1))
    let spaces = [UInt8](repeating: UInt8(ascii: " "), count: Self.byteCount - 1 - text.count)
    return text + spaces + [UInt8(ascii: "\n")]
  }
}

extension JSONEncoder {
  fileprivate static var sorted: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}
