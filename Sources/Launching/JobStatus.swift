import Foundation
import Platform

/// How a job of mpirun ended.
package struct JobStatus: Equatable, Sendable {
  /// A program that starts ranks, since each has exit statuses of its own.
  package enum Launcher: Equatable, Sendable {
    /// Open MPI's mpirun.
    case openMPI
    /// The mpiexec of MPICH and of libraries that derive from it.
    case hydra
  }

  /// The exit status; 128 + signal if a signal ended mpirun itself, as in a shell.
  package let code: Int32
  /// The launcher that ended with it.
  package let launcher: Launcher
  /// Whether any rank came as far as opening the files of the run. If none did, a status of the
  /// launcher's own says that it could not start them, and the next start would fare no better.
  package let hasBegun: Bool

  /// Status of a job whose mpirun ended with `code`.
  package init(_ code: Int32, _ launcher: Launcher = .openMPI, hasBegun: Bool = true) {
    self.code = code
    self.launcher = launcher
    self.hasBegun = hasBegun
  }

  /// Whether something was lost, a rank, a host or mpirun, and nobody decided to end. Then starting
  /// again may help.
  package var isCrash: Bool {
    if isFailedStart { return false }
    return code == ExitStatus.rankLost.rawValue || code >= 128 || isRawSignal
  }

  /// Statuses with which mpirun ends when it cannot start ranks: 255 for a host that cannot be
  /// reached or has no Open MPI (ssh has the same), 132 for a program that is not on a host.
  private static let startFailures: Set<Int32> = [132, 255]

  private var isFailedStart: Bool { !hasBegun && Self.startFailures.contains(code) }

  /// Whether the status is the number of the signal that ended a rank: Hydra does not add 128. The
  /// numbers 1 and 2 are statuses of this program.
  private var isRawSignal: Bool {
    launcher == .hydra
      && [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGSEGV, SIGTERM].contains(code)
  }

  /// Meaning of the status, for people.
  package var meaning: String {
    if let status = ExitStatus(rawValue: code) {
      switch status {
      case .failure: return "an error, printed above"
      case .notReproduced: return "what was recorded did not come again"
      case .usage: return "arguments that cannot be understood"
      case .unavailable: return "the processor is too old for the program"
      case .saved: return "asked to stop, and saved"
      case .rankLost: return "a rank was lost"
      }
    }
    if isRawSignal { return Self.signalMeaning(code) }
    if isFailedStart {
      return code == 255
        ? "mpirun could not start the ranks: a host cannot be reached, lacks the launcher, or an "
          + "option is unknown to it; see above"
        : "mpirun did not find the program on a host, or it ended with a trap (SIGILL) at once"
    }
    switch code {
    case 0: return "done"
    case 127: return "mpirun could not be executed"
    case 205 where launcher == .openMPI: return "a host, or Open MPI's daemon on it, was lost"
    case 255: return "mpirun lost a host or a connection, see above"
    case 129...192: return Self.signalMeaning(code - 128)
    case 193...: return "mpirun ended the job, see above"
    default: return "not a status of this program"
    }
  }

  private static func signalMeaning(_ number: Int32) -> String {
    number == SIGKILL
      ? "SIGKILL ended a process, often for a lack of memory"
      : "\(signalName(number)) ended a process"
  }

  private static func signalName(_ number: Int32) -> String {
    let names: [Int32: String] = [
      SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "a trap (SIGILL)",
      SIGTRAP: "a trap (SIGTRAP)", SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE",
      SIGUSR1: "SIGUSR1", SIGSEGV: "SIGSEGV", SIGUSR2: "SIGUSR2", SIGTERM: "SIGTERM",
    ]
    return names[number] ?? "signal \(number)"
  }
}
