import Foundation

/// A thread that does jobs one after another, in the order they come, and counts how long.
///
/// A thread, and not a dispatch queue: it belongs to one communicator as long as that lives, and MPI
/// keeps what it knows of a thread.
final class SerialQueue: Sendable {
  typealias Job = @Sendable () throws(CommunicationError) -> Void

  private let shelf = Shelf()

  /// Starts the thread; `setUp` runs on it first.
  init(name: String, setUp: @escaping @Sendable () -> Void) {
    let shelf = shelf
    let thread = Thread {
      setUp()
      while let job = shelf.next() {
        let clock = ContinuousClock.now
        do throws(CommunicationError) {
          try job()
          shelf.done(seconds: (ContinuousClock.now - clock) / .seconds(1), nil)
        } catch {
          shelf.done(seconds: (ContinuousClock.now - clock) / .seconds(1), error)
        }
      }
    }
    thread.name = name
    thread.start()
  }

  deinit { shelf.stop() }

  /// Puts `job` behind the others. After a failure jobs are dropped until `wait` has told it.
  func add(_ job: @escaping Job) { shelf.add(job) }

  /// Waits until nothing is left to do. Returns the seconds that the jobs since the last call took,
  /// or throws the first failure among them.
  func wait() throws(CommunicationError) -> Double { try shelf.wait() }

  /// Ends the thread after the job under way.
  func stop() { shelf.stop() }

  /// What the two threads share.
  private final class Shelf: @unchecked Sendable {
    // Sendable because the condition guards every access to the mutable fields.
    private let condition = NSCondition()
    private var jobs: [Job] = []
    private var isBusy = false
    private var isStopped = false
    private var seconds = 0.0
    private var failure: CommunicationError?

    func add(_ job: @escaping Job) {
      condition.withLock {
        if failure == nil { jobs.append(job) }
        condition.broadcast()
      }
    }

    func next() -> Job? {
      condition.lock()
      defer { condition.unlock() }
      while jobs.isEmpty && !isStopped { condition.wait() }
      if isStopped { return nil }
      isBusy = true
      return jobs.removeFirst()
    }

    func done(seconds taken: Double, _ error: CommunicationError?) {
      condition.withLock {
        isBusy = false
        seconds += taken
        if let error {
          failure = failure ?? error
          jobs.removeAll()
        }
        condition.broadcast()
      }
    }

    func wait() throws(CommunicationError) -> Double {
      condition.lock()
      defer { condition.unlock() }
      while isBusy || !jobs.isEmpty { condition.wait() }
      defer {
        seconds = 0
        failure = nil
      }
      if let failure { throw failure }
      return seconds
    }

    func stop() {
      condition.withLock {
        isStopped = true
        condition.broadcast()
      }
    }
  }
}
