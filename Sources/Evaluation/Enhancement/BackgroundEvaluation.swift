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
    // Safe to share: nobody else uses evaluator and model before the thread has put its share down.
    nonisolated(unsafe) let evaluator = evaluator
    startThread("validation") {
      board.end(evaluator.ownPart({ board.isStopAsked }, board.report))
    }
  }

  /// Whether this rank's share is done.
  package var isDone: Bool { board.part != nil }

  /// Seconds since the start, or those that it took.
  package var seconds: Double { board.seconds }

  /// Waits for the shares of all ranks. Nil on all of them if any rank's `isStopAsked`, which is
  /// called from time to time like `progress`, said yes before its share was done.
  ///
  /// - Throws: Errors of `Evaluator.evaluate`.
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

  /// State that the two threads share.
  private final class Board: Sendable {
    private struct State {
      var result: (part: EvaluationPart, seconds: Double)?
      var progress: Evaluator.Progress?
      var isStopped = false
    }

    private let state = Guarded(State())
    private let stopwatch = Stopwatch()

    var part: EvaluationPart? { state.withLock { $0.result?.part } }
    var progress: Evaluator.Progress? { state.withLock { $0.progress } }
    var isStopAsked: Bool { state.withLock { $0.isStopped } }
    var seconds: Double { state.withLock { $0.result?.seconds } ?? stopwatch.seconds }

    func report(_ progress: Evaluator.Progress) { state.withLock { $0.progress = progress } }
    func stop() { state.withLock { $0.isStopped = true } }
    func end(_ part: EvaluationPart) { state.change { $0.result = (part, stopwatch.seconds) } }

    /// The share, or nil if it is not done within `seconds`.
    func waitForPart(seconds: Double) -> EvaluationPart? {
      _ = state.wait(seconds: seconds, until: { $0.result != nil })
      return part
    }
  }
}
