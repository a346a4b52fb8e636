import Adversarial
import Communication
import Files
import Foundation
import Platform
import Recipes
import RunFiles

/// The report of a run on its discriminator: events of steps, crops without label, a line for each
/// epoch, and the predictions of the last one.
final class DuelReport {
  /// A crop that had no label.
  private struct Unlabelled: Codable {
    var utterance: String
    var reason: String
  }

  private let trainer: Trainer
  private let scale: LabelScale
  private let missing: DiscriminatorRecipe.Missing
  private let log: RunLog
  private let root: RootDecision
  private var named: Set<String> = []
  private var unlabelledCount = 0
  private var epoch = EpochSums()
  private var rows: [Predictions.Row] = []
  /// Rows of `predictions.csv` at most: those of every step of a corpus of usual size.
  static let rowLimit = 50_000
  /// Utterances that the log names at most.
  private static let nameLimit = 20

  /// Sums over the steps of an epoch.
  private struct EpochSums {
    var steps = 0
    var moves = 0
    var unlabelledSteps = 0
    var unlabelledCrops = 0
    var labelledMoves = 0
    var loss = 0.0
    var label = 0.0
    var prediction = 0.0
  }

  /// Reports on the discriminator of `trainer`; nil if it has none.
  init?(_ trainer: Trainer, log: RunLog, over communicator: any Communicator) {
    guard let recipe = trainer.configuration.adversary else { return nil }
    self.trainer = trainer
    scale = recipe.labels
    missing = recipe.missing
    self.log = log
    root = RootDecision(communicator)
  }

  /// Begins an epoch, or the rest of it.
  func beginEpoch() {
    epoch = EpochSums()
    rows = []
  }

  /// Takes up a step with the discriminator's `outcome`, in which this rank had the crops `judged`.
  /// All ranks call it together. In a step that is skipped, whose numbers may not be finite,
  /// neither predictions nor missing labels say anything.
  func step(
    _ outcome: Duel.Outcome, _ judged: [Duel.Judged], epoch number: Int, isSkipped: Bool
  ) throws {
    let step = trainer.state.progress.step
    log.append(.discriminator(event(outcome, step: step)))
    epoch.steps += 1
    if outcome.hasMoved, let loss = outcome.loss {
      epoch.moves += 1
      epoch.loss += loss
      if let label = outcome.label, let prediction = outcome.prediction {
        epoch.labelledMoves += 1
        epoch.label += scale.pesq(label: label)
        epoch.prediction += scale.pesq(label: prediction)
      }
    }
    if isSkipped { return }
    keep(judged, step: step)
    if outcome.labelledCount < outcome.itemCount {
      try tell(judged, step: step, epoch: number)
    }
  }

  private func event(_ outcome: Duel.Outcome, step: Int) -> RunEvent.Discriminator {
    .init {
      $0.step = step
      $0.isUsed = outcome.isUsed
      $0.hasMoved = outcome.hasMoved
      $0.generatorTerm = outcome.generatorTerm
      $0.loss = outcome.loss
      $0.cleanLoss = outcome.cleanLoss
      $0.estimateLoss = outcome.estimateLoss
      $0.noisyLoss = outcome.noisyLoss
      $0.gradientNorm = outcome.gradientNorm
      $0.learningRate = outcome.learningRate
      $0.pesq = outcome.label.map { scale.pesq(label: $0) }
      $0.predictedPESQ = outcome.prediction.map { scale.pesq(label: $0) }
      $0.crops = outcome.itemCount
      $0.labelled = outcome.labelledCount
      $0.labelSeconds = outcome.labelSeconds
      $0.seconds = outcome.seconds
    }
  }

  /// Keeps the predictions of the steps that `predictions.csv` will have.
  private func keep(_ judged: [Duel.Judged], step: Int) {
    let all = trainer.stepsPerEpoch * trainer.configuration.globalBatch
    // Which steps does not depend on the ranks.
    let stride = (all + Self.rowLimit - 1) / Self.rowLimit
    guard step % max(1, stride) == 0 else { return }
    for crop in judged where crop.labels.fault == nil {
      // Numbers of a skipped step may be not finite, and then tell nothing of the discriminator.
      guard let predicted = crop.predictions[.estimate], predicted.isFinite,
        crop.labels.estimate.isFinite
      else { continue }
      func pesq(_ label: Float?) -> Double? { label.map { scale.pesq(label: Double($0)) } }
      rows.append(
        Predictions.Row(
          utterance: trainer.names([crop.utterance])[0], step: step,
          pesq: pesq(crop.labels.estimate), predicted: scale.pesq(label: Double(predicted)),
          noisyPESQ: pesq(crop.labels.noisy), noisyPredicted: pesq(crop.predictions[.noisy])))
    }
  }

  /// Says which crops of all ranks had no label.
  private func tell(_ judged: [Duel.Judged], step: Int, epoch number: Int) throws {
    epoch.unlabelledSteps += 1
    let own = judged.compactMap { crop in
      crop.labels.fault.map {
        Unlabelled(utterance: trainer.names([crop.utterance])[0], reason: $0)
      }
    }
    guard let all = try root.gather(own) else { return }
    let crops = all.enumerated().flatMap { rank, crops in crops.map { (rank: rank, crop: $0) } }
    epoch.unlabelledCrops += crops.count
    unlabelledCount += crops.count
    for (_, crop) in crops where named.count < Self.nameLimit {
      guard named.insert(crop.utterance).inserted else { continue }
      log.warning(
        "no label for \(crop.utterance) in step \(step) of epoch \(number): \(crop.reason)"
          + (named.count == Self.nameLimit ? "; others are in metrics.jsonl only" : ""))
    }
    log.append(
      .unlabelled(
        .init(
          step: step, epoch: number, utterances: crops.map(\.crop.utterance),
          ranks: crops.map(\.rank), reasons: crops.map(\.crop.reason),
          cropCount: unlabelledCount)))
  }

  /// The rows of all ranks, on rank 0; nil elsewhere. Says how the discriminator did in epoch
  /// `number`, whose steps are done. All ranks call it together.
  ///
  /// Nil and silent where no step was taken since a resume: the table of the epoch is there then.
  func closeEpoch(_ number: Int) throws -> Predictions? {
    if epoch.steps == 0 { return nil }
    let all = try root.gather(rows)
    rows = []
    log.line(line(number))
    if epoch.unlabelledCrops > 0 { log.warning(warning(number)) }
    return all.map { Predictions($0.flatMap { $0 }) }
  }

  private func line(_ number: Int) -> String {
    var text = "discriminator in epoch \(number): moved in \(epoch.moves) of "
    text += NumberText.count(epoch.steps, "step")
    if epoch.moves > 0 { text += String(format: ", loss %.4f", epoch.loss / Double(epoch.moves)) }
    if epoch.labelledMoves > 0 {
      let count = Double(epoch.labelledMoves)
      text += String(
        format: ", pesq of the crops %.4f, predicted %.4f", epoch.label / count,
        epoch.prediction / count)
    }
    return text
  }

  private func warning(_ number: Int) -> String {
    let crops = NumberText.count(epoch.unlabelledCrops, "crop")
    var text =
      "\(crops) of epoch \(number) had no label, in \(epoch.unlabelledSteps) of "
      + NumberText.count(epoch.steps, "step")
    if 2 * epoch.unlabelledSteps > epoch.steps {
      text +=
        missing == .batch
        ? ": the discriminator learns in less than half of the steps; take longer crops, leave out "
          + "recordings that are mostly pauses, or let a missing label concern its crop alone "
          + "(missing: utterance in the recipe's discriminator)"
        : ": most steps lack labels; take longer crops, or leave out recordings that are mostly "
          + "pauses"
    }
    return text
  }
}
