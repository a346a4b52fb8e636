/// Makes the values of a known sequence of requests ahead of their use, on a thread of its own.
///
/// A thread, and not a dispatch queue, since it lives as long as the run and mostly sleeps: it
/// would block one of the pool's. It waits on a condition and never spins, so that on the one core
/// of a rank it takes only what the work takes. It touches nothing but its queue, so a prefetcher
/// that is dropped or stopped leaves no thread behind: it ends after the value under way. Nobody
/// waits for that, since a read from a dead file server may never return, and what ended the run
/// has to be told all the same.
package final class Prefetcher<Request: Equatable & Sendable, Value: Sendable, Failure: Error>:
  Sendable
{
  private let made: Handoff<(request: Request, value: Value), Failure>

  /// Starts making the values of `requests`, at most `depth` of them ahead of `next`.
  ///
  /// `maker` is called once on the thread and returns what makes a value; an error of that is the
  /// last result.
  package init(
    depth: Int, requests: some Sequence<Request> & Sendable, threadName: String,
    maker: @escaping @Sendable () -> (Request) throws(Failure) -> Value
  ) {
    precondition(depth > 0, "Prefetcher: depth \(depth)")
    let made = Handoff<(request: Request, value: Value), Failure>(capacity: depth)
    self.made = made
    startThread(threadName) {
      let make = maker()
      for request in requests {
        guard made.waitForRoom() else { break }
        do throws(Failure) {
          made.put((request, try make(request)))
        } catch {
          return made.fail(error)
        }
      }
      made.close()
    }
  }

  deinit { stop() }

  /// The value of `request`, which has to be the next of the sequence; waits until it is made.
  ///
  /// Throws what making it threw; then there is nothing after it.
  package func next(_ request: Request) throws(Failure) -> Value {
    guard let next = try made.take() else {
      preconditionFailure("Prefetcher: \(request) asked for, and nothing more is to come")
    }
    precondition(
      next.request == request, "Prefetcher: \(request) asked for, and \(next.request) is next")
    return next.value
  }

  /// Ends the thread, and drops what it made. `next` must not be called afterwards.
  package func stop() { made.cancel() }

  /// Values that are made and not taken.
  package var readyCount: Int { made.count }

  /// Whether the thread has come to its end.
  package var hasEnded: Bool { made.isClosed }
}
