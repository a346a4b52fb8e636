import Foundation

/// A state that threads share: each access is alone with it, and changes can be waited for.
///
/// References inside the state belong to the thread that took them out, and to no other.
package final class Guarded<State>: @unchecked Sendable {
  // Sendable because the condition guards every access to the state.
  private let condition = NSCondition()
  private var state: State

  /// Begins with `state`.
  package init(_ state: State) { self.state = state }

  /// Runs `body` on the state, and wakes nobody: for a look, and for a change that no thread
  /// awaits.
  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try wait(until: { _ in true }, body)
  }

  /// Waits until `isReady`, and runs `body` on the state as it then is. Wakes nobody.
  package func wait<Result, Failure: Error>(
    until isReady: (State) -> Bool, _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    condition.lock()
    defer { condition.unlock() }
    while !isReady(state) { condition.wait() }
    return try body(&state)
  }

  /// Waits until `isReady`, but at most `seconds`. Returns whether it is.
  package func wait(seconds: Double, until isReady: (State) -> Bool) -> Bool {
    let limit = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    while !isReady(state) {
      if !condition.wait(until: limit) { return isReady(state) }
    }
    return true
  }

  /// Waits until `isReady`, runs `body` on the state, and lets all waiting threads look at it
  /// again.
  package func change<Result, Failure: Error>(
    when isReady: (State) -> Bool = { _ in true },
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try wait(until: isReady) { (state) throws(Failure) in
      defer { condition.broadcast() }
      return try body(&state)
    }
  }
}
