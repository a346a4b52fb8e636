import Foundation
import Platform
import Testing
import TestSupport

@Suite struct ParallelForEachTests {
  private struct Failure: Error, Equatable { var item: Int }

  @Test(arguments: [(0, 3), (1, 4), (100, 1), (100, 3), (5, 50)])
  func everyItemIsDoneOnceAndReportedOnThisThread(count: Int, threads: Int) throws {
    let done = Counter()
    var results: [Int] = []
    let caller = Thread.current
    parallelForEach(Array(0..<count), threads: threads) { item in
      done.increment()
      return item * item
    } completed: { result in
      #expect(Thread.current === caller)
      results.append(result)
    }
    #expect(done.value == count && results.sorted() == (0..<count).map { $0 * $0 })
    if threads == 1 { #expect(results == results.sorted()) }
  }

  @Test(arguments: [1, 4]) func errorsEndTheWork(threads: Int) {
    let done = Counter()
    var told = 0
    #expect(throws: Failure(item: 10)) {
      try parallelForEach(Array(0..<1000), threads: threads) { item in
        done.increment()
        Thread.sleep(forTimeInterval: 0.001)
        if item == 10 { throw Failure(item: item) }
      } completed: {
        told += 1
      }
    }
    // Items in progress were waited for, and most items were never started.
    #expect(told < done.value && done.value < 900, "\(done.value)")
  }

  @Test func errorsOfTheReceiverEndTheWork() {
    let done = Counter()
    var told = 0
    #expect(throws: Failure(item: 3)) {
      try parallelForEach(Array(0..<1000), threads: 2) { item in
        done.increment()
        Thread.sleep(forTimeInterval: 0.001)
        return item
      } completed: { _ in
        told += 1
        if told == 3 { throw Failure(item: 3) }
      }
    }
    #expect(told == 3 && done.value < 900, "\(done.value)")
  }

  @Test func aWorkerServesOneThreadAtATime() {
    final class Worker {
      var isBusy = false
      var uses = 0
    }
    let all = [Worker(), Worker()]
    let pool = WorkerPool(all)
    // More threads than workers: some wait.
    parallelForEach(Array(0..<200), threads: 5) { _ in
      pool.withWorker { worker in
        let wasBusy = worker.isBusy
        worker.isBusy = true
        worker.uses += 1
        sched_yield()
        worker.isBusy = false
        return wasBusy
      }
    } completed: { wasBusy in
      #expect(!wasBusy)
    }
    #expect(all.reduce(0) { $0 + $1.uses } == 200)
  }
}
