import Audio
import Communication
import Platform
import RunFiles

/// Crops that could not be loaded and carry no weight in their steps, on one rank.
///
/// Which ones follows from the files alone, so all numbers of ranks leave out the same: the order
/// of an epoch does not change, and the mean of a step is over the crops that are left.
package final class LeftOut {
  /// A crop that a step did without.
  package struct Crop: Codable, Equatable, Sendable {
    package var utterance: String
    package var path: String
    package var reason: String
  }

  private let log: RunLog
  private let root: RootDecision
  private var named: Set<String> = []
  private var cropCount = 0
  private var summarizedCount = 0
  private var emptySteps = 0
  /// Steps in a row without any crop after which a run ends: a file server is gone rather than a
  /// file damaged.
  static let emptyStepLimit = 10

  package init(log: RunLog, over communicator: any Communicator) {
    self.log = log
    root = RootDecision(communicator)
  }

  /// Takes up the crops that this rank's part of a step did without, and says so. All ranks call it
  /// together, after a step in which any rank did.
  ///
  /// - Throws: `RootFailure` on all ranks with the text of a `LoadingError` once nothing at all
  ///   could be loaded for so many steps.
  package func report(
    _ own: [Crop], step: Int, epoch: Int, itemCount: Int
  ) throws {
    emptySteps = itemCount == 0 ? emptySteps + 1 : 0
    let all = try root.gather(own)?.flatMap { $0 } ?? []
    cropCount += all.count
    for crop in all where named.insert(crop.path).inserted {
      log.warning("left out of step \(step): \(crop.path): \(crop.reason)")
    }
    log.append(
      .leftOut(
        .init(
          step: step, epoch: epoch, utterances: all.map(\.utterance),
          reasons: all.map { "\($0.path): \($0.reason)" }, cropCount: cropCount)))
    if emptySteps == Self.emptyStepLimit {
      try root.fail(LoadingError.nothingReadable(steps: emptySteps))
    }
  }

  /// Says at the end of an epoch how many there were, if they have become more.
  package func summarize() {
    if cropCount == summarizedCount { return }
    summarizedCount = cropCount
    log.warning(
      "left out so far, with --on-bad-file skip: \(NumberText.count(cropCount, "crop")) because of "
        + NumberText.count(named.count, "file"))
  }
}
