import Adversarial
import Audio
import Checkpoints
import Communication
import Corpora
import Exchange
import Foundation
import Loading
import Platform
import Recipes
import Tensor
import Tracing

/// Why training cannot go on.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
  /// Steps were skipped in a row, though the run went back so often.
  case diverged(steps: Int, epoch: Int, rollbacks: Int)

  /// One sentence that says what to do.
  public var description: String {
    switch self {
    case .diverged(let steps, let epoch, let rollbacks):
      "the gradient was not finite in \(NumberText.count(steps, "step")) in a row "
        + "(in epoch \(epoch))"
        + (rollbacks > 0 ? " after \(NumberText.count(rollbacks, "rollback"))" : "")
        + "; what was saved before is whole: start again with a lower --lr"
    }
  }
}

/// Data-parallel training of a corpus split: every rank holds the whole model and a shard of each
/// global batch.
public final class Trainer {
  /// The recipe.
  public let configuration: TrainingConfiguration
  /// Weights, moments and counters.
  public let state: TrainingState
  /// The rate of every step.
  public let schedule: LearningRateSchedule
  /// The rate of every step of the discriminator; nil without one.
  private let discriminatorSchedule: LearningRateSchedule?
  private let communicator: any Communicator
  private let pairs: UtteranceIndex
  /// How utterances are computed.
  package let execution: Execution
  /// The parameters that do not move.
  let frozen: FrozenParameters
  private let trainingStep: TrainingStep
  private let order: UtteranceOrder
  private let crops: CropLoader

  /// A trainer of `pairs`, the whole training split, with rank 0's initial weights everywhere,
  /// whose steps are spoiled by `hooks`. With `.skip` crops that cannot be used are left out of
  /// their steps.
  package init(
    _ configuration: TrainingConfiguration, state: TrainingState, pairs: UtteranceIndex,
    onBadFile: OnBadFile = .stop, execution: Execution = Execution(),
    exchange: ExchangeSettings = ExchangeSettings(), hooks: StepHooks = StepHooks(),
    over communicator: any Communicator
  ) throws {
    self.configuration = configuration
    self.state = state
    self.pairs = pairs
    self.communicator = communicator
    self.execution = execution
    frozen = try FrozenParameters(configuration.frozen, of: state.model.parameters)
    let adversary = configuration.adversary.flatMap { recipe in
      state.adversarial.map { AdversarialTraining($0, recipe, seed: configuration.seed) }
    }
    trainingStep = try TrainingStep(
      state, clip: configuration.clip, losses: configuration.recipe.losses, frozen: frozen,
      exchange: exchange, hooks: hooks, adversary: adversary,
      labels: adversary.map {
        QualityLabels(
          $0.recipe.labels, sampleRate: configuration.model.frontEnd.sampleRate,
          hasNoisy: $0.recipe.hasNoisyTerm, threads: execution.threads)
      }, over: communicator)
    order = UtteranceOrder(
      configuration, utteranceCount: pairs.count, worldSize: communicator.worldSize,
      rank: communicator.rank)
    let all = UtteranceOrder.stepsPerEpoch(configuration, utterances: pairs.count)
    let order = order
    crops = CropLoader(
      configuration, pairs: pairs, onBadFile: onBadFile, spoil: hooks.noisy,
      endlessAt: hooks.endlessLoadAfterStep.flatMap { step in
        order.visits(afterEpochs: step / all, steps: step % all, stepCount: 1).first { _ in true }
      })
    schedule = try Self.schedule(configuration, stepsPerEpoch: all)
    discriminatorSchedule = try Self.discriminatorSchedule(configuration, stepsPerEpoch: all)
    try communicator.broadcast(state.model.parameters.values.buffer, root: 0)
    for tensor in state.adversarial?.tensors ?? [] {
      try communicator.broadcast(tensor.values.buffer, root: 0)
    }
    if state.progress.step == 0, let average = state.average {
      let values = state.model.parameters.values
      average.values.base.update(from: values.base, count: values.count)
    }
  }

  /// The rate of every step of a run with epochs of `stepsPerEpoch` steps.
  ///
  /// - Throws: `LearningRateScheduleError` if it is impossible, as with a warm-up longer than the
  ///   run.
  package static func schedule(
    _ configuration: TrainingConfiguration, stepsPerEpoch: Int
  ) throws(LearningRateScheduleError) -> LearningRateSchedule {
    try LearningRateSchedule(
      configuration.recipe.schedule, base: configuration.learningRate,
      stepsPerEpoch: stepsPerEpoch, totalSteps: stepsPerEpoch * configuration.epochs,
      warmupSteps: configuration.recipe.warmup.steps(perEpoch: stepsPerEpoch))
  }

  /// Name of the corpus, if it is one of the field.
  var corpusName: String? { CorpusName.of(pairs) }

  /// The rate of every step of the recipe's discriminator; nil if it has none.
  ///
  /// - Throws: `LearningRateScheduleError` if it is impossible.
  package static func discriminatorSchedule(
    _ configuration: TrainingConfiguration, stepsPerEpoch: Int
  ) throws(LearningRateScheduleError) -> LearningRateSchedule? {
    guard let recipe = configuration.adversary else { return nil }
    return try LearningRateSchedule(
      recipe.schedule, base: recipe.learningRate, stepsPerEpoch: stepsPerEpoch,
      totalSteps: stepsPerEpoch * configuration.epochs,
      warmupSteps: configuration.recipe.warmup.steps(perEpoch: stepsPerEpoch))
  }

  /// Whether the generator's loss has the discriminator's term in `epoch`, from 1.
  package func usesDiscriminator(epoch: Int) -> Bool {
    configuration.firstAdversarialEpoch.map { epoch >= $0 } ?? false
  }

  /// Steps in one epoch.
  public var stepsPerEpoch: Int { schedule.stepsPerEpoch }

  /// The shares of the epoch under way.
  public func sampler(epoch: Int) -> ShardedSampler { order.sampler(epoch: epoch) }

  /// Starts to read the crops of the coming steps in the background, those of `stepCount` steps or
  /// of the whole rest of the run. The steps until `stopPrefetching` have to be the run's own.
  public func startPrefetching(stepCount: Int? = nil) {
    crops.start(
      order.visits(
        afterEpochs: state.progress.epoch, steps: state.progress.stepInEpoch,
        stepCount: stepCount))
  }

  /// Reads no more ahead.
  public func stopPrefetching() { crops.stop() }

  /// Seconds that this rank's steps have waited for their crops.
  public var waitedSeconds: Double { crops.waitedSeconds }

  /// The first finding of this rank about the level of a crop.
  var oddLevel: OddLevel? { crops.oddLevel }

  /// The rate of the step after `step` others: the schedule's, lower on a plateau and since a
  /// rollback.
  public func rate(atStep step: Int) -> Double {
    schedule.rate(atStep: step) * (state.progress.plateau?.factor ?? 1) * state.progress.rateFactor
  }

  /// Decisions on the discriminator's passes in the last step; nil without one.
  var duelDecisions: AdversarialInspection.Settings? { trainingStep.duelDecisions }

  /// Observations of this rank in the last step, if that was skipped.
  var nonFiniteEvidence: NonFiniteEvidence { trainingStep.nonFiniteEvidence }

  /// Inspection of the discriminator's part of the last step, which was skipped; nil without one.
  func adversarialInspection() -> AdversarialInspection? {
    guard let adversarial = state.adversarial, let recipe = configuration.adversary,
      let decisions = trainingStep.duelDecisions
    else { return nil }
    return AdversarialInspection(
      adversarial, recipe, seed: configuration.seed, step: state.progress.step, decisions)
  }

  /// The crop that a step of `epoch` takes of an utterance, read again, and the labels that it had
  /// in the last step.
  func samplesAgain(_ item: Int, epoch: Int) throws(WaveFileError) -> NonFiniteDump.Utterance {
    let samples = try crops.samplesAgain(
      of: .init(item: item, epoch: epoch), step: state.progress.step)
    return .init(
      name: pairs.name(item), noisy: samples.noisy, clean: samples.clean,
      judged: judged.first { $0.utterance == item }.map {
        JudgedCrop(utterance: item, labels: $0.labels)
      })
  }

  /// One training step on this rank's `items`, the indices of utterances, in epoch `epoch`.
  ///
  /// All ranks call it together, if with no item. All get the same outcome but for times, and hold
  /// the same weights afterwards. `requests` is called once, near the end, for what this rank asks
  /// for after the step. `trace` gets the times of its parts.
  package func step(
    _ items: [Int], epoch: Int, trace: TraceRecorder? = nil,
    requests: () -> StepRequests = StepRequests.init
  ) throws -> TrainingStep.Outcome {
    let number = state.progress.step + 1
    trace?.step = number
    let outcome = try trace.measure(.step) {
      try trainingStep.run(
        crops.batch(items, epoch: epoch, step: number),
        learningRate: rate(atStep: state.progress.step), execution,
        duel: duelSettings(epoch: epoch), trace: trace,
        requests: requests)
    }
    state.progress.count(
      isSkipped: outcome.isSkipped, lossSum: outcome.lossSum, itemCount: outcome.itemCount,
      epoch: epoch)
    communicator.completed(step: state.progress.step)
    return outcome
  }

  /// Settings of the next step, in `epoch`, for the discriminator.
  private func duelSettings(epoch: Int) -> Duel.Settings {
    let progress = state.progress
    return Duel.Settings(
      isUsed: usesDiscriminator(epoch: epoch),
      learningRate: (discriminatorSchedule?.rate(atStep: progress.step) ?? 0)
        * progress.rateFactor)
  }

  /// This rank's crops of the last step, as the discriminator judged them.
  var judged: [Duel.Judged] { trainingStep.judged }

  /// The crops that the last step did without on this rank, once.
  package func takeLeftOut() -> [LeftOut.Crop] { crops.takeLeftOut() }

  /// The names of `items`.
  public func names(_ items: [Int]) -> [String] { items.map { pairs.name($0) } }
}
