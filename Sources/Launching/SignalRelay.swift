import Foundation
import Platform

/// Which signal mpirun gets for one that came to the launcher.
package struct SignalRelay: Equatable, Sendable {
  /// Signals that are passed on; after each of them the job is not restarted.
  package static let signals = [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2]
  /// Whether any came.
  package private(set) var isStopAsked = false
  /// A signal at which the run saves and ends, and that mpirun forwards and does nothing else at.
  private let request: Int32?

  /// A relay for a run that stops at `stopSignals`.
  package init(_ stopSignals: StopSignals) {
    let names = stopSignals.names
    request = names.contains("USR1") ? SIGUSR1 : names.contains("USR2") ? SIGUSR2 : nil
  }

  /// Signal to send to mpirun for `signal`.
  ///
  /// At SIGTERM and SIGHUP mpirun gives ranks a second before it kills them, too short to finish a
  /// step and save, and a longer one (`odls_base_sigkill_timeout`) is also waited for, twice, after
  /// every crash. So the first of them becomes a request to save; a second one goes on as it is.
  package mutating func relayed(_ signal: Int32) -> Int32 {
    defer { isStopAsked = true }
    guard !isStopAsked, signal == SIGTERM || signal == SIGHUP else { return signal }
    return request ?? signal
  }
}
