import Foundation
import Platform

/// How a job of mpirun ended.
package struct JobStatus: Equatable, Sendable {
  /// The exit status; 128 + signal if a signal ended mpirun itself, as in a shell.
  package let code: Int32

  /// Status of a job whose mpirun ended with `code`.
  package init(_ code: Int32) { self.code = code }

  /// Whether something was lost, a rank, a host or mpirun, and nobody decided to end. Then starting
  /// again may help.
  package var isCrash: Bool { code == ExitStatus.rankLost.rawValue || code >= 128 }

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
    switch code {
    case 0: return "done"
    case 127: return "mpirun could not be executed"
    case 205: return "a host, or Open MPI's daemon on it, was lost"
    case 128 + SIGKILL: return "SIGKILL ended a process, often for a lack of memory"
    case 129...192: return "\(Self.signalName(code - 128)) ended a process"
    case 193...: return "mpirun ended the job, see above"
    default: return "not a status of this program"
    }
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
