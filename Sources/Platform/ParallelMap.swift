import Dispatch
import Foundation
import Synchronization

/// The results of `body` for all items, in their order, computed on all cores.
///
/// When several items fail, the error of the first one in order is thrown.
package func parallelMap<Item: Sendable, Result: Sendable>(
  _ items: [Item], _ body: @Sendable (Item) throws -> Result
) throws -> [Result] {
  let results = Mutex([Swift.Result<Result, any Error>?](repeating: nil, count: items.count))
  DispatchQueue.concurrentPerform(iterations: items.count) { i in
    let result = Swift.Result { try body(items[i]) }
    results.withLock { $0[i] = result }
  }
  return try results.withLock { try $0.compactMap { try $0?.get() } }
}

/// Computes `body` for all items on `threads` threads, and calls `completed` on this thread with
/// each result as it comes, in whatever order.
///
/// After an error of `body` or `completed` nothing new is started; it is thrown when what was under
/// way has ended.
package func parallelForEach<Item: Sendable, Result: Sendable>(
  _ items: [Item], threads: Int, _ body: @escaping @Sendable (Item) throws -> Result,
  completed: (Result) throws -> Void
) throws {
  precondition(threads > 0, "parallelForEach: \(threads) threads")
  let board = Board<Result>(itemCount: items.count, workers: min(threads, items.count))
  for _ in 0..<min(threads, items.count) {
    Thread.detachNewThread {
      while let item = board.nextItem() { board.put(Swift.Result { try body(items[item]) }) }
      board.leave()
    }
  }
  var failure: (any Error)?
  while let result = board.take() {
    if failure != nil { continue }
    do { try completed(try result.get()) } catch {
      failure = error
      board.stop()
    }
  }
  if let failure { throw failure }
}

/// What the threads of `parallelForEach` share.
private final class Board<Value: Sendable>: @unchecked Sendable {
  // Sendable because the condition guards every access to the mutable fields.
  private let condition = NSCondition()
  private let itemCount: Int
  private var next = 0
  private var workers: Int
  private var results: [Swift.Result<Value, any Error>] = []

  init(itemCount: Int, workers: Int) {
    self.itemCount = itemCount
    self.workers = workers
  }

  func nextItem() -> Int? {
    condition.withLock {
      if next >= itemCount { return nil }
      next += 1
      return next - 1
    }
  }

  func put(_ result: Swift.Result<Value, any Error>) {
    condition.withLock {
      results.append(result)
      if case .failure = result { next = itemCount }
      condition.signal()
    }
  }

  func leave() {
    condition.withLock {
      workers -= 1
      condition.signal()
    }
  }

  func stop() { condition.withLock { next = itemCount } }

  /// The next result; nil when all workers have left and every result was taken.
  func take() -> Swift.Result<Value, any Error>? {
    condition.withLock {
      while results.isEmpty && workers > 0 { condition.wait() }
      return results.isEmpty ? nil : results.removeFirst()
    }
  }
}
