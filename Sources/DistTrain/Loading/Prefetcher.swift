import Foundation

/// Makes the values of a known sequence of requests ahead of their use, on a thread of its own.
///
/// A thread, and not a dispatch queue, since it lives as long as the run and mostly sleeps: it
/// would block one of the pool's. It waits on a condition and never spins, so that on the one core
/// of a rank it takes only what the work takes. It touches nothing but its shelf, so a prefetcher
/// that is dropped or stopped leaves no thread behind: it ends after the value under way. Nobody
/// waits for that, since a read from a dead file server may never return, and what ended the run
/// has to be told all the same.
package final class Prefetcher<Request: Equatable & Sendable, Value: Sendable, Failure: Error>:
  Sendable
{
  private let shelf: Shelf

  /// Starts making the values of `requests`, at most `depth` of them ahead of `next`.
  ///
  /// `maker` is called once on the thread and returns what makes a value; an error of that is the
  /// last result.
  package init(
    depth: Int, requests: some Sequence<Request> & Sendable, threadName: String,
    maker: @escaping @Sendable () -> (Request) throws(Failure) -> Value
  ) {
    precondition(depth > 0, "Prefetcher: depth \(depth)")
    let shelf = Shelf(depth: depth)
    self.shelf = shelf
    let thread = Thread {
      let make = maker()
      for request in requests {
        guard shelf.waitForRoom() else { break }
        do throws(Failure) {
          shelf.put(request, .success(try make(request)))
        } catch {
          shelf.put(request, .failure(error))
          break
        }
      }
      shelf.end()
    }
    thread.name = threadName
    thread.start()
  }

  deinit { shelf.stop() }

  /// The value of `request`, which has to be the next of the sequence; waits until it is made.
  ///
  /// Throws what making it threw; then there is nothing after it.
  package func next(_ request: Request) throws(Failure) -> Value {
    try shelf.take(request).get()
  }

  /// Ends the thread, and drops what it made. `next` must not be called afterwards.
  package func stop() { shelf.stop() }

  /// Values that are made and not taken.
  package var readyCount: Int { shelf.readyCount }

  /// Whether the thread has come to its end.
  package var hasEnded: Bool { shelf.hasEnded }

  /// What the two threads share.
  private final class Shelf: @unchecked Sendable {
    // Sendable because the condition guards every access to the mutable fields.
    private let condition = NSCondition()
    private let depth: Int
    private var ready: [(request: Request, result: Result<Value, Failure>)] = []
    private var isStopped = false
    private var isEnded = false

    init(depth: Int) { self.depth = depth }

    /// Waits until fewer than `depth` values are ready; false once nobody wants more.
    func waitForRoom() -> Bool {
      condition.lock()
      defer { condition.unlock() }
      while ready.count >= depth && !isStopped { condition.wait() }
      return !isStopped
    }

    func put(_ request: Request, _ result: Result<Value, Failure>) {
      condition.withLock {
        if !isStopped { ready.append((request, result)) }
        condition.broadcast()
      }
    }

    func end() {
      condition.withLock {
        isEnded = true
        condition.broadcast()
      }
    }

    func stop() {
      condition.withLock {
        isStopped = true
        ready.removeAll()
        condition.broadcast()
      }
    }

    func take(_ request: Request) -> Result<Value, Failure> {
      condition.lock()
      defer { condition.unlock() }
      while ready.isEmpty && !isEnded && !isStopped { condition.wait() }
      precondition(
        !ready.isEmpty, "Prefetcher: \(request) asked for, and nothing more is to come")
      let (made, result) = ready.removeFirst()
      precondition(made == request, "Prefetcher: \(request) asked for, and \(made) is next")
      condition.broadcast()
      return result
    }

    var readyCount: Int { condition.withLock { ready.count } }
    var hasEnded: Bool { condition.withLock { isEnded } }
  }
}
