import Checkpoints
import Communication
import Corpora
import Evaluation
import Metrics
import Recipes
import RunFiles

/// Scores a run's weights: while training waits, or a copy of them beside the training of the next
/// epoch. The scores are the same, bit for bit.
package final class Validation {
  /// Whether epochs are scored beside the training of the next.
  let isAsynchronous: Bool
  private let state: TrainingState
  private let evaluator: Evaluator
  private let makeEvaluator: () throws(EnhancementError) -> Evaluator
  private let log: RunLog
  private var underWay: BackgroundEvaluation?

  /// Scores the weights of `state` on `pairs`, with the loss `losses`; with `.skip`, those that
  /// cannot be read have no score. Throws if the model's bands are not the bins of its front end.
  package init(
    _ state: TrainingState, pairs: [UtterancePair], losses: LossSettings = .published,
    onBadFile: OnBadFile = .stop, isAsynchronous: Bool = false, log: RunLog,
    over communicator: any Communicator
  ) throws(EnhancementError) {
    self.state = state
    self.isAsynchronous = isAsynchronous
    self.log = log
    let metrics = Set.validation.defined(
      sampleRate: state.model.configuration.frontEnd.sampleRate)
    makeEvaluator = { () throws(EnhancementError) in
      try Evaluator(
        model: state.frozen, pairs: pairs, over: communicator, metrics: metrics,
        losses: losses, onBadFile: onBadFile)
    }
    evaluator =
      isAsynchronous
      ? try makeEvaluator()
      : try Evaluator(
        model: state.model, pairs: pairs, over: communicator, metrics: metrics,
        losses: losses, onBadFile: onBadFile)
  }

  /// Scores the weights as they stand. All ranks call it together; nil on all of them if one of
  /// them, which `isStopAsked` asks from time to time, wants to stop.
  package func run(until isStopAsked: () -> Bool) throws -> Evaluation? {
    try withBar { show in
      if isAsynchronous {
        state.freezeEvaluatedWeights()
        return try evaluator.evaluate(until: isStopAsked, progress: show)
      }
      return try state.withEvaluatedWeights {
        try evaluator.evaluate(until: isStopAsked, progress: show)
      }
    }
  }

  /// Starts to score the frozen weights, beside whatever follows.
  package func begin() throws(EnhancementError) {
    precondition(underWay == nil, "Validation: begun twice")
    // A run that validated beside training may be resumed without.
    underWay = BackgroundEvaluation(isAsynchronous ? evaluator : try makeEvaluator())
  }

  /// Whether one has begun that is neither finished nor given up; equal on all ranks.
  var isUnderWay: Bool { underWay != nil }

  /// Whether this rank's share of it is not yet done.
  var isComputing: Bool { underWay.map { !$0.isDone } ?? false }

  /// Waits for what is under way, and returns how many seconds this rank's share took. All ranks
  /// call it together; nil on all of them if one of them wants to stop before its share is done.
  package func finish(
    until isStopAsked: () -> Bool
  ) throws -> (evaluation: Evaluation, seconds: Double)? {
    guard let underWay else { preconditionFailure("Validation: nothing is under way") }
    defer { self.underWay = nil }
    let evaluation = try withBar { try underWay.finish(until: isStopAsked, progress: $0) }
    return evaluation.map { ($0, underWay.seconds) }
  }

  /// Ends what is under way without a result, after the utterance that this rank is at.
  package func giveUp() {
    underWay?.cancel()
    underWay = nil
  }

  /// Shows what `body` tells about its progress.
  private func withBar<Result>(
    _ body: ((Evaluator.Progress) -> Void) throws -> Result
  ) rethrows -> Result {
    var isShown = false
    defer { if isShown { log.endProgress() } }
    return try body { progress in
      // The bar speaks of this rank's share: the others' are about as long.
      if !isShown { log.beginProgress("validating", total: progress.total) }
      isShown = true
      log.progress(completed: progress.completed, audioSeconds: progress.audioSeconds)
    }
  }
}
