import Foundation
import Platform

/// Ends this process unless it is called off in time: for what has to come to an end and cannot be
/// interrupted, such as the start and the end of MPI.
final class ProcessDeadline: Sendable {
  private let shelf = Shelf()

  /// After `seconds` the process writes `message`, if there is one, and ends with `status`.
  init(seconds: Double, status: Int32 = ExitStatus.rankLost.rawValue, message: String? = nil) {
    let shelf = shelf
    let thread = Thread {
      guard shelf.hasPassed(seconds) else { return }
      if let message {
        FileDescriptorOutput(STDERR_FILENO).write(LogWords.safe("disttrain: error: \(message)\n"))
      }
      _exit(status)
    }
    thread.name = "deadline"
    thread.start()
  }

  /// From here on nothing happens.
  func callOff() { shelf.callOff() }

  /// What the two threads share.
  private final class Shelf: @unchecked Sendable {
    // Sendable because the condition guards every access to the mutable field.
    private let condition = NSCondition()
    private var isOff = false

    func hasPassed(_ seconds: Double) -> Bool {
      let end = Date(timeIntervalSinceNow: seconds)
      condition.lock()
      defer { condition.unlock() }
      while !isOff && condition.wait(until: end) {}
      return !isOff
    }

    func callOff() {
      condition.withLock {
        isOff = true
        condition.broadcast()
      }
    }
  }
}
