import Dispatch
import Foundation
import Platform

/// Runs tasks 0..<count on up to `threads` threads as `body(task, worker)`, where the tasks of one
/// worker run one after the other. Workers take tasks in ascending order.
///
/// The threads belong to Dispatch's pool, which parks them between calls.
package func parallel(
  _ threads: Int, tasks count: Int, _ body: (_ task: Int, _ worker: Int) -> Void
) {
  let workers = min(threads, count)
  if workers <= 1 {
    for task in 0..<count { body(task, 0) }
    return
  }
  let queue = TaskQueue(count)
  let mode = FloatMode.current
  withoutActuallyEscaping(body) { body in
    // Safe to share: the callers' tasks write to memory of their own, or take turns in an
    // `OrderedSection`, and all have ended when this function returns.
    nonisolated(unsafe) let body = body
    DispatchQueue.concurrentPerform(iterations: workers) { worker in
      mode.run { while let task = queue.next() { body(task, worker) } }
    }
  }
}

/// Hands tasks out in ascending order.
private final class TaskQueue: @unchecked Sendable {
  // All state is behind the lock.
  private let lock = NSLock()
  private let count: Int
  private var taken = 0

  init(_ count: Int) { self.count = count }

  func next() -> Int? {
    lock.withLock {
      guard taken < count else { return nil }
      taken += 1
      return taken - 1
    }
  }
}

/// Lets the tasks of `parallel` add to shared sums one after the other in ascending order, so that
/// the rounding of the sums does not depend on which thread is first.
///
/// A task that is early waits. The lowest unfinished task never waits, and is always running
/// because tasks are taken in order; so there is no deadlock.
package final class OrderedSection: @unchecked Sendable {
  // All state is behind the condition.
  private let condition = NSCondition()
  private var turn = 0

  /// A section whose first task is 0.
  package init() {}

  /// Runs `body` once tasks 0..<task have run theirs. Every task must call this exactly once.
  package func run(_ task: Int, _ body: () -> Void) {
    condition.lock()
    while turn != task { condition.wait() }
    condition.unlock()
    body()
    condition.lock()
    turn += 1
    condition.broadcast()
    condition.unlock()
  }
}
