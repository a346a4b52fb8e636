import Foundation
import Platform

/// Ends this process unless it is called off in time: for what has to come to an end and cannot be
/// interrupted, such as the start and the end of MPI.
final class ProcessDeadline: Sendable {
  private let isOff = Guarded(false)

  /// After `seconds` the process writes `message`, if there is one, and ends with `status`.
  init(seconds: Double, status: Int32 = ExitStatus.rankLost.rawValue, message: String? = nil) {
    let isOff = isOff
    startThread("deadline") {
      if isOff.wait(seconds: seconds, until: { $0 }) { return }
      if let message {
        FileDescriptorOutput(STDERR_FILENO).write(LogWords.safe("disttrain: error: \(message)\n"))
      }
      _exit(status)
    }
  }

  /// From here on nothing happens.
  func callOff() { isOff.change { $0 = true } }
}
