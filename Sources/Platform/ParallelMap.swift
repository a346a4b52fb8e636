import Dispatch
import Foundation
import Synchronization

/// The results of `body` for all items, in the order of the items, computed on all cores in the
/// calling thread's `FloatMode`.
///
/// - Throws: the error of the first item in order that fails.
package func parallelMap<Item: Sendable, Result: Sendable>(
  _ items: [Item], _ body: @Sendable (Item) throws -> Result
) throws -> [Result] {
  let results = Mutex([Swift.Result<Result, any Error>?](repeating: nil, count: items.count))
  let mode = FloatMode.current
  DispatchQueue.concurrentPerform(iterations: items.count) { i in
    let result = mode.run { Swift.Result { try body(items[i]) } }
    results.withLock { $0[i] = result }
  }
  return try results.withLock { try $0.compactMap { try $0?.get() } }
}

/// Computes `body` for all items on `threads` threads in the calling one's `FloatMode`, and calls
/// `completed` on the calling thread with each result as soon as it is available, in any order.
///
/// - Throws: the first error of `body` or `completed`, after which no new item is started, once the
///   items in progress have ended.
package func parallelForEach<Item: Sendable, Result: Sendable, Failure: Error>(
  _ items: [Item], threads: Int, _ body: @escaping @Sendable (Item) throws(Failure) -> Result,
  completed: (Result) throws(Failure) -> Void
) throws(Failure) {
  precondition(threads > 0, "parallelForEach: \(threads) threads")
  if items.isEmpty { return }
  let workers = min(threads, items.count)
  let results = Handoff<Swift.Result<Result, Failure>, Never>()
  let left = Guarded((items: items.indices, workers: workers))
  @Sendable func stop() { left.withLock { $0.items = items.endIndex..<items.endIndex } }
  for _ in 0..<workers {
    startThread {
      while let item = left.withLock({ $0.items.popFirst() }) {
        let result = Swift.Result { () throws(Failure) in try body(items[item]) }
        if case .failure = result { stop() }
        results.put(result)
      }
      let isLast = left.withLock { left in
        left.workers -= 1
        return left.workers == 0
      }
      if isLast { results.close() }
    }
  }
  var failure: Failure?
  while let result = results.take() {
    if failure != nil { continue }
    do throws(Failure) { try completed(try result.get()) } catch {
      failure = error
      stop()
    }
  }
  if let failure { throw failure }
}

/// Objects of which each serves one thread at a time, such as those with buffers of their own.
package struct WorkerPool<Worker>: Sendable {
  private let idle: Guarded<[Worker]>

  /// The pool holds `workers` from here on: nobody else uses them.
  package init(_ workers: [Worker]) { idle = Guarded(workers) }

  /// Lends a worker to `body`, once one is idle.
  package func withWorker<Result, Failure: Error>(
    _ body: (Worker) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let worker = idle.change(when: { !$0.isEmpty }) { $0.removeLast() }
    defer { idle.change { $0.append(worker) } }
    return try body(worker)
  }
}
