import CPlatform
import Foundation
import Platform

/// Moves reductions while the main thread computes.
///
/// Open MPI moves messages only while somebody calls it. This thread does, and sleeps in between: it
/// shares its core with the computing one, and who slept is let in at once and gone again after
/// microseconds. While the main thread waits, nobody else wants the core, and it calls without a
/// pause.
final class ReductionThread<Transport: ReductionTransport>: Sendable {
  private let shelf = Shelf()

  init(_ transport: Transport) {
    let shelf = shelf
    let mode = platform_arithmetic_mode()
    let thread = Thread {
      platform_set_arithmetic_mode(mode)
      platform_wake_promptly()
      Self.run(transport, shelf)
    }
    thread.name = "reductions"
    thread.start()
  }

  deinit { shelf.stop() }

  /// Puts `reduction` behind the others. `times` learns when it begins and ends.
  func start(_ reduction: Reduction, _ times: ReductionTimes? = nil) {
    shelf.add((reduction, times))
  }

  /// Waits until all are complete. Returns the seconds during which any was under way since the last
  /// call, or throws the first failure.
  func wait() throws(CommunicationError) -> Double { try shelf.wait() }

  /// Ends the thread; nothing may be under way.
  func stop() { shelf.stop() }

  private static func run(_ transport: Transport, _ shelf: Shelf) {
    var underWay: [ReductionUnderWay<Transport>] = []
    do throws(CommunicationError) {
      while let orders = shelf.next(room: reductionsUnderWay - underWay.count) {
        for (reduction, times) in orders {
          underWay.append(try ReductionUnderWay(reduction, times: times, transport))
        }
        try advance(&underWay, transport)
        shelf.report(left: underWay.count)
      }
    } catch {
      shelf.fail(error)
    }
  }

  private static func advance(
    _ underWay: inout [ReductionUnderWay<Transport>], _ transport: Transport
  ) throws(CommunicationError) {
    var mayGather = true
    var left: [ReductionUnderWay<Transport>] = []
    for var reduction in underWay {
      if try reduction.advance(transport, mayGather: mayGather) {
        reduction.end()
      } else {
        mayGather = mayGather && reduction.hasGathered
        left.append(reduction)
      }
    }
    underWay = left
  }

  private typealias Order = (Reduction, ReductionTimes?)

  /// What the two threads share.
  private final class Shelf: @unchecked Sendable {
    // Sendable because the condition guards every access to the mutable fields.
    private let condition = NSCondition()
    private var orders: [Order] = []
    /// Reductions that the thread has taken and not completed.
    private var taken = 0
    private var busy: Stopwatch?
    private var seconds = 0.0
    private var isAwaited = false
    private var isStopped = false
    private var failure: CommunicationError?

    func add(_ order: Order) {
      condition.withLock {
        if busy == nil { busy = Stopwatch() }
        if failure == nil { orders.append(order) }
        condition.broadcast()
      }
    }

    /// Up to `room` orders: waits for the first if nothing is under way, and for a moment otherwise.
    /// Nil when the thread is to end.
    func next(room: Int) -> [Order]? {
      condition.lock()
      while taken == 0 && orders.isEmpty && !isStopped { condition.wait() }
      if taken > 0 && orders.isEmpty && !isStopped {
        let isAwaited = isAwaited
        condition.unlock()
        if isAwaited { sched_yield() } else { usleep(pauseMicroseconds) }
        condition.lock()
      }
      defer { condition.unlock() }
      if isStopped { return nil }
      let next = Array(orders.prefix(room))
      orders.removeFirst(next.count)
      taken += next.count
      return next
    }

    func report(left: Int) {
      condition.withLock {
        taken = left
        if left == 0 && orders.isEmpty { end() }
      }
    }

    func fail(_ error: CommunicationError) {
      condition.withLock {
        failure = error
        taken = 0
        orders = []
        end()
      }
    }

    func wait() throws(CommunicationError) -> Double {
      condition.lock()
      defer { condition.unlock() }
      isAwaited = true
      while taken > 0 || !orders.isEmpty { condition.wait() }
      isAwaited = false
      defer { seconds = 0 }
      if let failure { throw failure }
      return seconds
    }

    func stop() {
      condition.withLock {
        isStopped = true
        condition.broadcast()
      }
    }

    private func end() {
      if let busy { seconds += busy.seconds }
      busy = nil
      condition.broadcast()
    }
  }
}

/// Enough that the next bucket is on its way when one is done, and few enough for the requests of
/// many ranks.
private let reductionsUnderWay = 8

/// Between 50 and 200 µs nothing changes that can be measured; shorter pauses cost computing time.
private let pauseMicroseconds: UInt32 = 100
