import Foundation
import Models
import Tensor

/// Where a run stands: all that changes while it trains.
public final class TrainingState {
  /// The weights.
  public let model: SpeechEnhancer
  /// The optimiser's moments and step count.
  public let adam: Adam
  /// The averaged weights, if the recipe has them.
  public let average: MovingAverage?
  /// What else a checkpoint holds.
  public var progress: TrainingProgress

  /// The start of a run.
  public init(_ configuration: TrainingConfiguration) {
    let model = SpeechEnhancer(configuration: configuration.model, seed: configuration.seed)
    self.model = model
    adam = Adam(model.parameters)
    average = configuration.averageDecay.map {
      MovingAverage(model.parameters, decay: Float($0))
    }
    progress = TrainingProgress()
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
  /// Epochs finished, validation included.
  public var epoch = 0
  /// Steps done in the epoch under way.
  public var stepInEpoch = 0
  /// Sum of losses and number of items in the epoch under way.
  public var lossSum = 0.0
  /// See `lossSum`.
  public var lossCount = 0
  /// Steps skipped because of a gradient that was not finite.
  public var skippedSteps = 0
  /// What follows from skipped steps; nil before the first.
  public var recovery: RecoveryProgress?
  /// Best validation score so far and its epoch.
  public var bestScore: Double?
  /// See `bestScore`.
  public var bestEpoch: Int?

  /// The start of a run.
  public init() {}

  /// Whether the counters can be those of a run: steps are taken from sums and used as indices.
  var isPossible: Bool {
    [step, epoch, stepInEpoch, lossCount, skippedSteps].allSatisfy { $0 >= 0 }
      // A run that went back counts the skipped steps of what it gave up, too.
      && stepInEpoch <= step && (skippedSteps <= step || rollbacks > 0) && lossSum.isFinite
  }
}
