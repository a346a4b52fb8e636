import Dispatch
import Synchronization

/// The results of `body` for all items, in their order, computed on all cores.
///
/// When several items fail, the error of the first one in order is thrown.
func parallelMap<Item: Sendable, Result: Sendable>(
  _ items: [Item], _ body: @Sendable (Item) throws -> Result
) throws -> [Result] {
  let results = Mutex([Swift.Result<Result, any Error>?](repeating: nil, count: items.count))
  DispatchQueue.concurrentPerform(iterations: items.count) { i in
    let result = Swift.Result { try body(items[i]) }
    results.withLock { $0[i] = result }
  }
  return try results.withLock { try $0.compactMap { try $0?.get() } }
}
