import CPlatform
import Foundation
import Platform
import Synchronization
import Testing

@Suite struct HandoffTests {
  private struct Failure: Error, Equatable { let number: Int }
  private typealias Queue = Handoff<Int, Failure>

  /// All elements up to the end.
  private func rest(_ queue: Queue) throws -> [Int] {
    var elements: [Int] = []
    while let element = try queue.take() { elements.append(element) }
    return elements
  }

  @Test(arguments: [1, 3, 1000]) func elementsKeepTheirOrderAndNumber(capacity: Int) throws {
    let queue = Queue(capacity: capacity)
    let largest = Mutex(0)
    startThread {
      for element in 0..<500 {
        queue.put(element)
        let count = queue.count
        largest.withLock { $0 = max($0, count) }
      }
      queue.close()
    }
    #expect(try rest(queue) == Array(0..<500))
    #expect(largest.withLock { $0 } <= capacity)
    #expect(queue.isClosed)
    // After the end there is always nothing.
    #expect(try queue.take() == nil)
  }

  @Test func manyMayPutAndTake() {
    let queue = Handoff<Int, Never>(capacity: 2)
    let sums = Handoff<Int, Never>()
    let putting = Mutex(4)
    for thread in 0..<4 {
      startThread {
        for element in 0..<100 { queue.put(thread * 100 + element) }
        let isLast = putting.withLock { left in
          left -= 1
          return left == 0
        }
        if isLast { queue.close() }
      }
      startThread {
        var sum = 0
        while let element = queue.take() { sum += element }
        sums.put(sum)
      }
    }
    let sum = (0..<4).reduce(0) { sum, _ in sum + (sums.take() ?? 0) }
    #expect(sum == (0..<400).reduce(0, +))
  }

  @Test func takingWaitsForAnElement() throws {
    let queue = Queue()
    startThread {
      usleep(20_000)
      queue.put(7)
    }
    let stopwatch = Stopwatch()
    #expect(try queue.take() == 7)
    #expect(stopwatch.seconds > 0.01)
  }

  @Test func anErrorComesAfterTheElements() throws {
    let queue = Queue()
    queue.put(1)
    queue.put(2)
    queue.fail(Failure(number: 3))
    queue.close()
    #expect(try queue.take() == 1)
    #expect(try queue.take() == 2)
    for _ in 0..<2 { #expect(throws: Failure(number: 3)) { try queue.take() } }
  }

  @Test func theEndWakesThoseWhoWait() throws {
    let ends: [@Sendable (Queue) -> Void] = [
      { $0.close() }, { $0.cancel() }, { $0.fail(Failure(number: 1)) },
    ]
    for end in ends {
      let queue = Queue()
      let outcomes = Handoff<Result<Int?, Failure>, Never>()
      for _ in 0..<2 {
        startThread { outcomes.put(Result { () throws(Failure) in try queue.take() }) }
      }
      usleep(5_000)
      #expect(outcomes.count == 0)
      end(queue)
      for _ in 0..<2 { if case .success(.some)? = outcomes.take() { Issue.record("an element") } }
    }
  }

  @Test func cancellingDropsElementsAndWakesThePutter() {
    let queue = Queue(capacity: 1)
    queue.put(1)
    let hasRoom = Handoff<Bool, Never>()
    startThread { hasRoom.put(queue.waitForRoom()) }
    startThread {
      queue.put(2)
      hasRoom.put(false)
    }
    usleep(5_000)
    #expect(hasRoom.count == 0)
    queue.cancel()
    #expect(hasRoom.take() == false)
    #expect(hasRoom.take() == false)
    queue.put(3)
    #expect(queue.count == 0)
    #expect(!queue.isClosed)
  }

  @Test func roomComesWithTaking() throws {
    let queue = Queue(capacity: 2)
    queue.put(1)
    #expect(queue.waitForRoom())
    queue.put(2)
    let hasRoom = Handoff<Bool, Never>()
    startThread { hasRoom.put(queue.waitForRoom()) }
    usleep(5_000)
    #expect(hasRoom.count == 0)
    #expect(try queue.take() == 1)
    #expect(hasRoom.take() == true)
  }
}

@Suite struct GuardedTests {
  @Test func changesAreAlone() {
    let counter = Guarded((count: 0, threads: 8))
    for _ in 0..<8 {
      startThread {
        for _ in 0..<1000 { counter.withLock { $0.count += 1 } }
        counter.change { $0.threads -= 1 }
      }
    }
    #expect(counter.wait(until: { $0.threads == 0 }) { $0.count } == 8000)
  }

  @Test func waitingEndsInTime() {
    let flag = Guarded(false)
    let stopwatch = Stopwatch()
    #expect(!flag.wait(seconds: 0.02, until: { $0 }))
    #expect(stopwatch.seconds >= 0.015)
    startThread { flag.change { $0 = true } }
    #expect(flag.wait(seconds: 60, until: { $0 }))
    #expect(flag.wait(seconds: 0, until: { $0 }))
    #expect(stopwatch.seconds < 50)
  }

  @Test func changesWaitForTheirTurn() {
    let turn = Guarded(0)
    for thread in (0..<5).reversed() {
      startThread { turn.change(when: { $0 == thread }) { $0 += 1 } }
    }
    #expect(turn.wait(until: { $0 == 5 }) { $0 } == 5)
  }

  @Test func errorsLeaveItUnlocked() {
    let state = Guarded(1)
    #expect(throws: CancellationError.self) {
      try state.change { state in
        state = 2
        throw CancellationError()
      }
    }
    #expect(state.withLock { $0 } == 2)
  }
}

@Suite struct ThreadTests {
  @Test func threadsComputeAsTheirMaker() {
    let usual = FloatMode.current
    defer { usual.adopt() }
    let modes = Handoff<FloatMode, Never>()
    startThread { modes.put(.current) }
    #expect(modes.take() == usual)
    FloatMode.flushDenormals()
    let flushing = FloatMode.current
    #expect(flushing != usual)
    startThread { modes.put(.current) }
    #expect(modes.take() == flushing)
    var denormals: [Float] = []
    parallelForEach([Float.leastNormalMagnitude], threads: 2) {
      $0 * 0.5
    } completed: {
      denormals.append($0)
    }
    #expect(denormals == [0])
  }

  @Test func allItemsAreComputedInTheCallersMode() throws {
    let usual = FloatMode.current
    defer { usual.adopt() }
    FloatMode.flushDenormals()
    let items = [Float](repeating: .leastNormalMagnitude, count: 1000)
    #expect(try parallelMap(items) { $0 * 0.5 } == [Float](repeating: 0, count: 1000))
    #expect(usual.run { items[0] * 0.5 > 0 })
    #expect(FloatMode.current != usual)
  }

  @Test func namesAndStacksAreThoseAskedFor() {
    let seen = Handoff<(String?, Int), Never>()
    startThread("named", stackBytes: 4 << 20) {
      seen.put((Thread.current.name, Thread.current.stackSize))
    }
    let thread = seen.take()
    #expect(thread?.0 == "named")
    #expect(thread?.1 == 4 << 20)
  }
}
