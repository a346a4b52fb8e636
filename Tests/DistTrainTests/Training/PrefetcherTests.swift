import Foundation
import Platform
import Synchronization
import Testing

@Suite struct PrefetcherTests {
  private struct Failure: Error, Equatable { let request: Int }
  private typealias Squares = Prefetcher<Int, Int, Failure>

  /// Requests to the maker, and a gate that holds it.
  private final class Workshop: Sendable {
    private let condition = NSCondition()
    private let made = Mutex<[Int]>([])
    private let isOpen = Mutex(true)

    var requests: [Int] { made.withLock { $0 } }

    func hold() { isOpen.withLock { $0 = false } }

    func open() {
      isOpen.withLock { $0 = true }
      condition.withLock { condition.broadcast() }
    }

    func make(_ request: Int) -> Int {
      made.withLock { $0.append(request) }
      condition.withLock {
        while !isOpen.withLock({ $0 }) { _ = condition.wait(until: Date() + 0.01) }
      }
      return request * request
    }
  }

  private func squares(
    _ requests: Range<Int>, depth: Int, in workshop: Workshop, failingAt bad: Int? = nil
  ) -> Squares {
    Squares(depth: depth, requests: requests, threadName: "test") {
      { request throws(Failure) in
        if request == bad { throw Failure(request: request) }
        return workshop.make(request)
      }
    }
  }

  /// Waits up to 10 s until `condition` holds.
  private func wait(_ what: Comment, until condition: () -> Bool) {
    let deadline = ContinuousClock.now + .seconds(10)
    while !condition() && ContinuousClock.now < deadline { usleep(1000) }
    #expect(condition(), what)
  }

  @Test(arguments: [1, 2, 7, 1000]) func valuesComeInTheirOrder(depth: Int) throws {
    let workshop = Workshop()
    let prefetcher = squares(0..<500, depth: depth, in: workshop)
    for request in 0..<500 { #expect(try prefetcher.next(request) == request * request) }
    #expect(workshop.requests == Array(0..<500))
    wait("the thread does not end by itself") { prefetcher.hasEnded }
  }

  @Test(arguments: [1, 3]) func depthBoundsWhatIsMadeAhead(depth: Int) throws {
    let workshop = Workshop()
    let prefetcher = squares(0..<50, depth: depth, in: workshop)
    for taken in 0..<20 {
      wait("nothing is made ahead") { prefetcher.readyCount == depth }
      // Time for one too many, if there were such.
      if taken % 10 == 0 { usleep(20_000) }
      #expect(workshop.requests == Array(0..<taken + depth))
      _ = try prefetcher.next(taken)
    }
  }

  @Test func errorComesToItsRequestAndEndsTheThread() throws {
    let prefetcher = squares(0..<50, depth: 5, in: Workshop(), failingAt: 3)
    wait("the thread lives on after the error") { prefetcher.hasEnded }
    for request in 0..<3 { #expect(try prefetcher.next(request) == request * request) }
    #expect(throws: Failure(request: 3)) { try prefetcher.next(3) }
    // Nobody waits for a dead thread.
    #expect(prefetcher.readyCount == 0)
  }

  @Test func errorUnderWayWakesTheWaiting() {
    let workshop = Workshop()
    let prefetcher = Squares(depth: 1, requests: 0..<2, threadName: "test") {
      { request throws(Failure) in
        usleep(20_000)
        throw Failure(request: request)
      }
    }
    #expect(throws: Failure(request: 0)) { try prefetcher.next(0) }
    #expect(workshop.requests.isEmpty)
  }

  @Test func stoppingEndsASleepingThread() throws {
    let prefetcher = squares(0..<50, depth: 2, in: Workshop())
    wait("nothing is made ahead") { prefetcher.readyCount == 2 }
    #expect(!prefetcher.hasEnded)
    prefetcher.stop()
    wait("the thread does not end") { prefetcher.hasEnded }
    #expect(prefetcher.readyCount == 0)
    prefetcher.stop()
  }

  @Test func stoppingDoesNotWaitForAReadThatHangs() {
    let workshop = Workshop()
    workshop.hold()
    let prefetcher = squares(0..<50, depth: 2, in: workshop)
    wait("the thread does not start") { workshop.requests == [0] }
    prefetcher.stop()
    #expect(!prefetcher.hasEnded)
    workshop.open()
    wait("the thread does not end") { prefetcher.hasEnded }
    #expect(workshop.requests == [0] && prefetcher.readyCount == 0)
  }

  @Test func droppingEndsTheThread() {
    /// Dies with the thread, which owns the last reference.
    final class Token: Sendable {}
    weak var token: Token?
    do {
      let own = Token()
      token = own
      let prefetcher = Squares(depth: 2, requests: 0..<50, threadName: "test") {
        { [own] request throws(Failure) in
          withExtendedLifetime(own) { request }
        }
      }
      wait("nothing is made ahead") { prefetcher.readyCount == 2 }
    }
    wait("the thread lives on") { token == nil }
  }
}
