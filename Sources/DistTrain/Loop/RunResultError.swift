import Checkpoints
import Files
import Foundation
import Platform
import RunFiles

/// Why the result of a complete run is no result.
enum RunResultError: Error, Equatable, CustomStringConvertible {
  /// No validation utterance had a score in any epoch.
  case noBest(last: String)
  /// The best weights were removed.
  case bestIsGone(best: String, last: String)
  /// The run did not train any more when it ended.
  case endsSkipped(steps: Int, best: String)

  /// One sentence that says what there is in its place.
  var description: String {
    switch self {
    case .noBest(let last):
      "the run is complete, but no validation utterance could be scored, so there are no best "
        + "weights; the log says why; evaluate and enhance take the last weights with --weights "
        + last
    case .bestIsGone(let best, let last):
      "\(best): the best weights are not there any more; evaluate and enhance take the last "
        + "weights with --weights \(last)"
    case .endsSkipped(let steps, let best):
      "the run is complete, but at its end \(NumberText.count(steps, "step")) in a row "
        + "\(NumberText.agree(steps, "was", "were")) skipped, because loss or gradient was not "
        + "finite: \(best) is from before; start again with a lower --lr, or replay a dump"
    }
  }

  /// Throws unless a complete run with this `progress` has a result to use.
  ///
  /// One skipped step may be a transient fault; two at the end, or an epoch without any other, are
  /// none.
  static func require(
    _ progress: TrainingProgress, _ folder: RunFolder, stepsPerEpoch: Int
  ) throws(RunResultError) {
    let best = folder.best.path(percentEncoded: false)
    let last = folder.last.path(percentEncoded: false)
    if progress.bestScore == nil { throw .noBest(last: last) }
    if progress.skippedInARow >= min(2, stepsPerEpoch) {
      throw .endsSkipped(steps: progress.skippedInARow, best: best)
    }
    if PathKind(best) != .file { throw .bestIsGone(best: best, last: last) }
  }
}
