import CPlatform
import Foundation
import Platform

/// A rank's share of an evaluation, computed by a thread beside what the rank does.
///
/// The thread talks to no other rank: `finish`, which all ranks call together, brings the shares
/// together.
package final class BackgroundEvaluation {
  private let evaluator: Evaluator
  private let board = Board()

  /// Starts to score the model of `evaluator`, which belongs to the thread until this has ended.
  package init(_ evaluator: Evaluator) {
    self.evaluator = evaluator
    let board = board
    let mode = platform_arithmetic_mode()
    // Safe to share: nobody else uses evaluator and model before the thread has put its share down.
    nonisolated(unsafe) let evaluator = evaluator
    let thread = Thread {
      // Denormals are a register of each thread, and the scores are to be those of the main one.
      platform_set_arithmetic_mode(mode)
      board.end(evaluator.ownPart({ board.isStopAsked }, board.report))
    }
    thread.name = "validation"
    thread.start()
  }

  /// Whether this rank's share is done.
  package var isDone: Bool { board.part != nil }

  /// Seconds since the start, or those that it took.
  package var seconds: Double { board.seconds }

  /// Waits for the shares of all ranks. Nil on all of them if any rank's `isStopAsked`, which is
  /// called from time to time like `progress`, said yes before its share was done.
  ///
  /// - Throws: What `Evaluator.evaluate` throws.
  package func finish(
    until isStopAsked: () -> Bool, progress: (Evaluator.Progress) -> Void
  ) throws -> Evaluation? {
    while true {
      if let part = board.waitForPart(seconds: 0.05) { return try evaluator.merged(part) }
      if isStopAsked() { board.stop() }
      if let now = board.progress { progress(now) }
    }
  }

  /// Ends it after the utterance under way, and waits for that.
  package func cancel() {
    board.stop()
    while board.waitForPart(seconds: 60) == nil {}
  }

  /// What the two threads share.
  private final class Board: @unchecked Sendable {
    // Sendable because the condition guards every access to the mutable fields.
    private let condition = NSCondition()
    private let stopwatch = Stopwatch()
    private var result: (part: EvaluationPart, seconds: Double)?
    private var latest: Evaluator.Progress?
    private var isStopped = false

    var part: EvaluationPart? { condition.withLock { result?.part } }
    var progress: Evaluator.Progress? { condition.withLock { latest } }
    var isStopAsked: Bool { condition.withLock { isStopped } }
    var seconds: Double {
      condition.withLock { result?.seconds ?? stopwatch.seconds }
    }

    func report(_ progress: Evaluator.Progress) { condition.withLock { latest = progress } }
    func stop() { condition.withLock { isStopped = true } }

    func end(_ part: EvaluationPart) {
      condition.withLock {
        result = (part, stopwatch.seconds)
        condition.broadcast()
      }
    }

    /// The share, or nil if it is not done within `seconds`.
    func waitForPart(seconds: Double) -> EvaluationPart? {
      let limit = Date(timeIntervalSinceNow: seconds)
      condition.lock()
      defer { condition.unlock() }
      while result == nil, condition.wait(until: limit) {}
      return result?.part
    }
  }
}
