import Adversarial
import Corpora
import Foundation
import Models
import Recipes
import RunFiles
import Tensor

/// Where a run stands: all that changes while it trains.
public final class TrainingState {
  /// The weights.
  public let model: SpeechEnhancer
  /// The optimiser's moments and step count.
  public let adam: Adam
  /// The averaged weights, if the recipe has them.
  public let average: MovingAverage?
  /// The discriminator with its optimiser, if the recipe has one.
  public let adversarial: AdversarialState?
  /// Contents of a checkpoint besides tensors.
  public var progress: TrainingProgress

  /// The start of a run.
  public init(_ configuration: TrainingConfiguration) {
    let model = SpeechEnhancer(configuration: configuration.model, seed: configuration.seed)
    self.model = model
    model.inputLevel = configuration.recipe.level
    adam = Adam(model.parameters, configuration.recipe.optimizer)
    average = configuration.averageDecay.map {
      MovingAverage(model.parameters, decay: Float($0))
    }
    adversarial = configuration.adversary.map {
      AdversarialState($0, seed: configuration.seed)
    }
    progress = TrainingProgress()
  }

  /// A model for a copy of the weights, which are scored while training goes on: those of the last
  /// epoch as long as `progress` has an unvalidated one. Made when it is needed first.
  public private(set) lazy var frozen: SpeechEnhancer = {
    let copy = SpeechEnhancer(configuration: model.configuration, seed: 0)
    copy.inputLevel = model.inputLevel
    copy.parameters.discardGradients()
    return copy
  }()

  /// Copies the weights that are validated and kept into `frozen`.
  package func freezeEvaluatedWeights() { freeze(average?.values ?? model.parameters.values) }

  /// Keeps the weights for a validation beside the next epoch, and counts the epoch of these
  /// figures.
  package func freezeEpoch(_ figures: EpochFigures) {
    freezeEvaluatedWeights()
    progress.endEpoch()
    progress.unvalidated = figures
  }

  /// Copies `values`, in the arena's layout, into `frozen`.
  func freeze(_ values: Storage) {
    frozen.parameters.values.base.update(from: values.base, count: values.count)
  }

  /// Runs `body` with the weights that are validated and kept: the averaged ones if there are any.
  public func withEvaluatedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard let average else { return try body() }
    average.swap(with: model.parameters)
    defer { average.swap(with: model.parameters) }
    return try body()
  }
}

/// The counters of a run.
///
/// Order and crops are pure functions of seed, epoch and utterance, so these numbers are the whole
/// position: nothing about a random generator has to be kept.
public struct TrainingProgress: Codable, Equatable, Sendable {
  /// Steps done, skipped ones included.
  public var step = 0
  /// Epochs finished, validation included but for an unvalidated one.
  public var epoch = 0
  /// The last of these while it is scored beside training; nil otherwise.
  public var unvalidated: EpochFigures?
  /// Steps done in the epoch under way.
  public var stepInEpoch = 0
  /// Sum of losses and number of items in the epoch under way.
  public var lossSum = 0.0
  /// See `lossSum`.
  public var lossCount = 0
  /// Steps skipped because of a gradient that was not finite.
  public var skippedSteps = 0
  /// Consequences of skipped steps; nil before the first.
  public var recovery: RecoveryProgress?
  /// Position of a schedule that waits for plateaus; nil before its first epoch has a score.
  public var plateau: PlateauProgress?
  /// Best validation score so far and its epoch.
  public var bestScore: Double?
  /// See `bestScore`.
  public var bestEpoch: Int?
  /// The utterances that the run trains on; nil in checkpoints of earlier versions.
  public var trainSet: SetFingerprint?
  /// The utterances that the scores are of; nil in checkpoints of earlier versions.
  public var validationSet: SetFingerprint?

  /// The start of a run.
  public init() {}

  /// Whether the counters can be those of a run: steps are taken from sums and used as indices.
  var isPossible: Bool {
    // Sums of a few stay far below the largest integer.
    [step, epoch, stepInEpoch, lossCount, skippedSteps].allSatisfy { (0...1 << 48).contains($0) }
      // A run that went back counts the skipped steps of what it gave up, too.
      && validatedEpochs >= 0 && stepInEpoch <= step && (skippedSteps <= step || rollbacks > 0)
      && lossSum.isFinite
  }
}

extension TrainingProgress {
  /// Mean loss over the items of the epoch under way; nil before the first.
  package var meanLoss: Double? { lossCount > 0 ? lossSum / Double(lossCount) : nil }

  /// Epochs of which scores are told.
  package var validatedEpochs: Int { unvalidated == nil ? epoch : epoch - 1 }

  /// Counts the epoch whose steps are done, and begins the next.
  package mutating func endEpoch() {
    epoch += 1
    stepInEpoch = 0
    lossSum = 0
    lossCount = 0
  }
}
