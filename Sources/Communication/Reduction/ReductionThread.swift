import CPlatform
import Foundation
import Platform

/// Moves reductions while the main thread computes.
///
/// Open MPI moves messages only while somebody calls it. This thread does, and sleeps in between:
/// it shares its core with the computing one, and who slept is let in at once and gone again after
/// microseconds. While the main thread waits, nobody else wants the core, and it calls without a
/// pause.
final class ReductionThread<Transport: ReductionTransport>: Sendable {
  private let shelf = Shelf()

  init(_ transport: Transport) {
    let shelf = shelf
    startThread("reductions") {
      platform_wake_promptly()
      Self.run(transport, shelf)
    }
  }

  deinit { shelf.stop() }

  /// Puts `reduction` behind the others. `times` learns when it begins and ends.
  func start(_ reduction: Reduction, _ times: ReductionTimes? = nil) {
    shelf.add((reduction, times))
  }

  /// Waits until all are complete. Returns the seconds during which any was under way since the
  /// last call, or throws the first failure.
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

  /// State that the two threads share.
  private final class Shelf: Sendable {
    private struct State {
      var orders: [Order] = []
      /// Reductions that the thread has taken and not completed.
      var taken = 0
      var busy: Stopwatch?
      var seconds = 0.0
      var isAwaited = false
      var isStopped = false
      var failure: CommunicationError?

      var isIdle: Bool { taken == 0 && orders.isEmpty }

      mutating func rest() {
        if let busy { seconds += busy.seconds }
        busy = nil
      }
    }

    private let state = Guarded(State())

    func add(_ order: Order) {
      state.change {
        if $0.busy == nil { $0.busy = Stopwatch() }
        if $0.failure == nil { $0.orders.append(order) }
      }
    }

    /// Up to `room` orders: waits for the first if nothing is under way, and for a moment
    /// otherwise. Nil when the thread is to end.
    func next(room: Int) -> [Order]? {
      // Wakes nobody: the main thread, which may wait for all to be complete, wants the core, too.
      let isAwaited = state.wait(until: { !$0.isIdle || $0.isStopped }) {
        $0.orders.isEmpty && !$0.isStopped ? $0.isAwaited : nil
      }
      if let isAwaited {
        if isAwaited { sched_yield() } else { usleep(pauseMicroseconds) }
      }
      return state.withLock { state in
        if state.isStopped { return nil }
        let next = Array(state.orders.prefix(room))
        state.orders.removeFirst(next.count)
        state.taken += next.count
        return next
      }
    }

    func report(left: Int) {
      let isIdle = state.withLock {
        $0.taken = left
        if $0.isIdle { $0.rest() }
        return $0.isIdle
      }
      if isIdle { state.change { _ in } }
    }

    func fail(_ error: CommunicationError) {
      state.change {
        $0.failure = error
        $0.taken = 0
        $0.orders = []
        $0.rest()
      }
    }

    func wait() throws(CommunicationError) -> Double {
      state.withLock { $0.isAwaited = true }
      return try state.wait(until: \.isIdle) { (state) throws(CommunicationError) in
        state.isAwaited = false
        defer { state.seconds = 0 }
        if let failure = state.failure { throw failure }
        return state.seconds
      }
    }

    func stop() { state.change { $0.isStopped = true } }
  }
}

/// Enough that the next bucket is on its way when one is done, and few enough for the requests of
/// many ranks.
private let reductionsUnderWay = 8

/// Between 50 and 200 µs nothing changes that can be measured; shorter pauses cost computing time.
private let pauseMicroseconds: UInt32 = 100
