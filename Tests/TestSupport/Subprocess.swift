import Foundation
import Synchronization

/// The outcome of a child process: its exit status, its output and its resources.
public struct SubprocessOutcome: Sendable, CustomStringConvertible {
  /// Exit status; 128 + signal if a signal ended it, as in a shell.
  public let status: Int32
  /// Whether the process was killed at its time limit.
  public let timedOut: Bool
  /// Seconds from start to end.
  public let seconds: Double
  /// Peak resident memory in bytes, last read at most 50 ms before the end of the process.
  ///
  /// The value of `wait4` would include the process that it was started from.
  public let peakResidentBytes: Int
  /// Text that the process wrote to stdout.
  public let output: String
  /// Text that the process wrote to stderr.
  public let errors: String

  /// The whole outcome, for the message of a failed expectation.
  public var description: String {
    """
    status \(status)\(timedOut ? " (killed at its time limit)" : "") after \(seconds) s
    --- stdout
    \(output)
    --- stderr
    \(errors)
    """
  }
}

/// The reason for which a child process could not be started.
public struct SubprocessError: Error, CustomStringConvertible {
  /// One sentence with the reason.
  public let description: String
}

/// Runs programs that may hang, crash or leave children behind.
public enum Subprocess {
  /// Starts `executable` in a process group of its own, with empty stdin, and waits for its end.
  ///
  /// Both pipes are read while it runs, since a full pipe would block it. After `timeLimit` seconds
  /// the group and all descendants (mpirun gives every rank a group of its own) get SIGTERM, and
  /// SIGKILL two seconds later.
  ///
  /// - Throws: `SubprocessError` if the process cannot be started.
  public static func run(
    _ executable: String, _ arguments: [String] = [],
    environment: [String: String] = ProcessInfo.processInfo.environment,
    folder: URL? = nil, timeLimit: Double
  ) throws -> SubprocessOutcome {
    let started = now()
    // The lock keeps children of other tests from inheriting a pipe before it is marked.
    let (child, output, errors) = try spawnLock.withLock { _ in
      let output = try makePipe()
      let errors = try makePipe()
      defer {
        close(output.write)
        close(errors.write)
      }
      let child = try spawn(
        executable, arguments, environment, folder, output: output.write, errors: errors.write)
      return (child, output.read, errors.read)
    }
    var collector = Collector(descriptors: [output, errors])
    var status: Int32?
    var timedOut = false
    var doomed: [pid_t] = []
    var killAt = Double.infinity
    var endedAt = Double.infinity
    var peak = 0
    while status == nil || (collector.isOpen && now() < endedAt + 1) {
      collector.read(milliseconds: collector.isOpen ? 50 : 0)
      if !collector.isOpen && status == nil { usleep(5_000) }
      if status == nil { peak = max(peak, peakResidentBytes(of: child)) }
      if status == nil, let ended = reap(child) {
        status = ended
        // A descendant that outlives the child may keep the pipes open, so it gets a second to end.
        endedAt = now()
      }
      let time = now()
      if status == nil && !timedOut && time - started > timeLimit {
        timedOut = true
        killAt = time + 2
        doomed = descendants(of: child)
        kill(-child, SIGTERM)
      }
      if status == nil && time > killAt {
        killAt = .infinity
        doomed += descendants(of: child)
        kill(-child, SIGKILL)
      }
    }
    for process in doomed { kill(process, SIGKILL) }
    // Killed processes take a moment to end, and must be gone when the caller looks for them.
    while doomed.contains(where: isRunning) && now() < endedAt + 5 { usleep(5_000) }
    close(output)
    close(errors)
    return SubprocessOutcome(
      status: status ?? -1, timedOut: timedOut, seconds: now() - started,
      peakResidentBytes: peak,
      output: String(decoding: collector.bytes[0], as: UTF8.self),
      errors: String(decoding: collector.bytes[1], as: UTF8.self))
  }

  /// Runs `script` with /bin/sh.
  public static func shell(
    _ script: String, folder: URL? = nil, timeLimit: Double = 30
  ) throws -> SubprocessOutcome {
    try run("/bin/sh", ["-c", script], folder: folder, timeLimit: timeLimit)
  }

  /// Whether a process exists and is no zombie, which has ended and waits for its parent.
  public static func isRunning(_ process: pid_t) -> Bool {
    guard let state = stat(of: process)?.first else { return false }
    return state != "Z" && state != "X"
  }

  private static let spawnLock = Mutex<Void>(())

  private static func now() -> Double { ProcessInfo.processInfo.systemUptime }

  private static func makePipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    if pipe(&ends) != 0 {
      throw SubprocessError(description: "no pipe: \(String(cString: strerror(errno)))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  private static func spawn(
    _ executable: String, _ arguments: [String], _ environment: [String: String], _ folder: URL?,
    output: Int32, errors: Int32
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)
    // A process that is left behind must not keep files, locks or pipes of the test process open.
    let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    for descriptor in open.compactMap({ Int32($0) }) where descriptor > 2 {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    posix_spawnattr_setpgroup(&attributes, 0)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)

    var words = [executable] + arguments
    if let folder {
      let path = folder.path(percentEncoded: false)
      words = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", path] + words
    }
    let argv = words.map { strdup($0) } + [nil]
    let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (argv + envp).forEach { free($0) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, words[0], &actions, &attributes, argv, envp)
    if code != 0 {
      throw SubprocessError(
        description: "cannot start \(executable): \(String(cString: strerror(code)))")
    }
    return child
  }

  /// Exit status of `child` if it has ended, else nil.
  private static func reap(_ child: pid_t) -> Int32? {
    var raw: Int32 = 0
    let result = waitpid(child, &raw, WNOHANG)
    if result == 0 || (result < 0 && errno == EINTR) { return nil }
    if result < 0 { return -1 }
    let signal = raw & 0x7f
    return signal == 0 ? (raw >> 8) & 0xff : 128 + signal
  }

  /// The kernel's fields about a process, state and parent first; nil if there is no such process.
  private static func stat(of process: pid_t) -> [Substring]? {
    // "pid (name) state ppid …", where the name may hold anything.
    let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    guard let text, let end = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: end)...].split(separator: " ")
  }

  /// Peak resident memory of a process in bytes; 0 if it has ended.
  private static func peakResidentBytes(of process: pid_t) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    return (kibibytes.flatMap { Int($0) } ?? 0) << 10
  }

  /// All processes whose chain of parents leads to `root`.
  private static func descendants(of root: pid_t) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    var children: [pid_t: [pid_t]] = [:]
    for process in names.compactMap({ pid_t($0) }) {
      guard let fields = stat(of: process), fields.count > 1, let parent = pid_t(fields[1])
      else { continue }
      children[parent, default: []].append(process)
    }
    var found: [pid_t] = []
    var next = children[root] ?? []
    while let process = next.popLast() {
      found.append(process)
      next += children[process] ?? []
    }
    return found
  }
}

/// A reader of several pipes at once.
private struct Collector {
  private var open: [pollfd]
  var bytes: [[UInt8]]
  private let descriptors: [Int32]

  init(descriptors: [Int32]) {
    self.descriptors = descriptors
    bytes = descriptors.map { _ in [] }
    open = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  }

  var isOpen: Bool { !open.isEmpty }

  mutating func read(milliseconds: Int32) {
    guard isOpen, poll(&open, nfds_t(open.count), milliseconds) > 0 else { return }
    var block = [UInt8](repeating: 0, count: 65_536)
    for entry in open where entry.revents != 0 {
      let length = Foundation.read(entry.fd, &block, block.count)
      if length > 0, let index = descriptors.firstIndex(of: entry.fd) {
        bytes[index] += block.prefix(length)
      } else if length == 0 || errno != EINTR {
        open.removeAll { $0.fd == entry.fd }
      }
    }
  }
}
