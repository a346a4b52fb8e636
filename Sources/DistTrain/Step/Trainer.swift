import Audio
import Communication
import Corpora
import Foundation
import Platform
import Tensor

/// What one step came to, over all ranks.
public struct StepResult: Equatable, Sendable {
  /// Sum of the items' losses.
  public let lossSum: Double
  /// Items of all ranks.
  public let itemCount: Int
  /// Global gradient norm before clipping.
  public let gradientNorm: Double
  /// Learning rate used.
  public let learningRate: Double
  /// Whether the step was left out because a loss or gradient was not finite.
  public let isSkipped: Bool
  /// Seconds of the step that a rank waited for its crops, the mean over ranks.
  public let dataSeconds: Double
  /// Seconds of the step in which this rank loaded and computed, before it waited for others.
  public let busySeconds: Double
  /// What any rank wants to happen after this step.
  public let requests: StepRequests
  /// How the exchange of gradients went, as seen by this rank.
  public let exchanged: GradientExchange.Outcome
}

/// Why training cannot go on.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
  /// Steps were skipped in a row, though the run went back so often.
  case diverged(steps: Int, epoch: Int, rollbacks: Int)
  /// A crop could not be loaded.
  case unreadable(WaveFileError)
  /// A crop is too short for the transform.
  case tooShort(STFTError)

  /// One sentence that says what to do.
  public var description: String {
    switch self {
    case .diverged(let steps, let epoch, let rollbacks):
      "the gradient was not finite in \(NumberText.count(steps, "step")) in a row (in epoch \(epoch))"
        + (rollbacks > 0 ? " after \(NumberText.count(rollbacks, "rollback"))" : "")
        + "; what was saved before is whole: start again with a lower --lr"
    case .unreadable(let error): "a training file can no longer be read: \(error)"
    case .tooShort(let error): "--seconds is too short: \(error)"
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
  private let communicator: any Communicator
  private let pairs: [UtterancePair]
  /// How utterances are computed.
  package let execution: Execution
  private let hooks: StepHooks
  private let trainingStep: TrainingStep
  private let order: TrainingOrder
  private let crops: CropLoader

  /// A trainer of `pairs`, the whole training split, with rank 0's initial weights everywhere.
  public convenience init(
    _ configuration: TrainingConfiguration, state: TrainingState, pairs: [UtterancePair],
    execution: Execution = Execution(), exchange: ExchangeSettings = ExchangeSettings(),
    over communicator: any Communicator
  ) throws {
    try self.init(
      configuration, state: state, pairs: pairs, execution: execution, exchange: exchange,
      hooks: StepHooks(), over: communicator)
  }

  /// The same with `hooks` that spoil its steps.
  package init(
    _ configuration: TrainingConfiguration, state: TrainingState, pairs: [UtterancePair],
    execution: Execution = Execution(), exchange: ExchangeSettings = ExchangeSettings(),
    hooks: StepHooks, over communicator: any Communicator
  ) throws {
    self.hooks = hooks
    self.configuration = configuration
    self.state = state
    self.pairs = pairs
    self.communicator = communicator
    self.execution = execution
    trainingStep = try TrainingStep(
      state, clip: configuration.clip, exchange: exchange, over: communicator)
    order = TrainingOrder(
      configuration, utteranceCount: pairs.count, worldSize: communicator.worldSize,
      rank: communicator.rank)
    let all = Self.stepsPerEpoch(configuration, utterances: pairs.count)
    let order = order
    crops = CropLoader(
      configuration, pairs: pairs,
      endlessAt: hooks.endlessLoadAfterStep.flatMap { step in
        order.visits(afterEpochs: step / all, steps: step % all, stepCount: 1).first { _ in true }
      })
    schedule = try LearningRateSchedule(
      decay: configuration.schedule, base: configuration.learningRate, stepsPerEpoch: all,
      totalSteps: all * configuration.epochs, warmupSteps: configuration.warmupSteps)
    try communicator.broadcast(state.model.parameters.values.buffer, root: 0)
    if state.progress.step == 0, let average = state.average {
      let values = state.model.parameters.values
      average.values.base.update(from: values.base, count: values.count)
    }
  }

  /// Steps in one epoch: all global batches of the split, or as many as the recipe says.
  public static func stepsPerEpoch(_ configuration: TrainingConfiguration, utterances: Int) -> Int {
    let all = (utterances + configuration.globalBatch - 1) / configuration.globalBatch
    return min(all, configuration.stepsPerEpoch ?? all)
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

  /// The rate of the step after `step` others: the schedule's, lower since a rollback.
  public func rate(atStep step: Int) -> Double {
    schedule.rate(atStep: step) * state.progress.rateFactor
  }

  /// Observations of this rank in the last step, if that was skipped.
  var nonFiniteEvidence: NonFiniteEvidence { trainingStep.nonFiniteEvidence }

  /// The crop that a step of `epoch` takes of an utterance, read again.
  func samplesAgain(_ item: Int, epoch: Int) throws(WaveFileError) -> NonFiniteDump.Utterance {
    var samples = try crops.samplesAgain(of: .init(item: item, epoch: epoch))
    hooks.noisy(state.progress.step, item, &samples.noisy)
    return .init(name: pairs[item].name, noisy: samples.noisy, clean: samples.clean)
  }

  /// One training step on this rank's `items`, the indices of utterances, in epoch `epoch`.
  ///
  /// All ranks call it together, if with no item. All get the same result and hold the same
  /// weights afterwards. `requests` is called once, near the end; what any rank wants is in
  /// everybody's result. `trace` gets the times of its parts.
  public func step(
    _ items: [Int], epoch: Int, trace: TraceRecorder? = nil,
    requests: () -> StepRequests = StepRequests.init
  ) throws -> StepResult {
    let waitedBefore = crops.waitedSeconds
    let rate = rate(atStep: state.progress.step)
    let number = state.progress.step + 1
    hooks.beforeStep(number, state.model.parameters)
    trace?.step = number
    let outcome = try trace.measure(.step) {
      try trainingStep.run(
        count: items.count, learningRate: rate, execution,
        waitedSeconds: { crops.waitedSeconds - waitedBefore }, requests: requests,
        spoilSums: { hooks.sums(number, $0) }, trace: trace
      ) { index in
        let item = items[index]
        return try crops.spectrograms(of: .init(item: item, epoch: epoch)) {
          hooks.noisy(number, item, &$0)
        }
      }
    }
    state.progress.count(
      isSkipped: outcome.isSkipped, lossSum: outcome.lossSum, itemCount: outcome.itemCount,
      epoch: epoch)
    communicator.completed(step: state.progress.step)
    return StepResult(
      lossSum: outcome.lossSum, itemCount: outcome.itemCount,
      gradientNorm: outcome.gradientNorm, learningRate: rate, isSkipped: outcome.isSkipped,
      dataSeconds: outcome.waitedSeconds / Double(communicator.worldSize),
      busySeconds: outcome.busySeconds,
      requests: outcome.requests, exchanged: outcome.exchanged)
  }

  /// The names of `items`.
  public func names(_ items: [Int]) -> [String] { items.map { pairs[$0].name } }
}
