import Dispatch
import Foundation
import Synchronization

/// The results of `body` for all items, in the order of the items, computed on all cores.
///
/// - Throws: the error of the first item in order that fails.
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

/// Computes `body` for all items on `threads` threads, and calls `completed` on the calling thread
/// with each result as soon as it is available, in any order.
///
/// - Throws: the first error of `body` or `completed`, after which no new item is started, once the
///   items in progress have ended.
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

/// The state that the threads of `parallelForEach` share.
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

  /// Waits for the next result; nil when all workers have left and every result was taken.
  func take() -> Swift.Result<Value, any Error>? {
    condition.withLock {
      while results.isEmpty && workers > 0 { condition.wait() }
      return results.isEmpty ? nil : results.removeFirst()
    }
  }
}
