import Files
import Foundation
import Models

/// Everything that decides what a run computes: the resolved form of the `train` command's flags.
///
/// It is saved in the run folder and inside every checkpoint. Paths and the number of epochs are
/// facts of a run and may change when it is resumed; the recipe may not.
public struct TrainingConfiguration: Codable, Equatable, Sendable {
  /// The model.
  public var model: ModelConfiguration
  /// Seed of initial values, order and crops.
  public var seed: UInt64
  /// Number of epochs.
  public var epochs: Int
  /// Utterances of a rank in one micro-batch.
  public var batch: Int
  /// Micro-batches of a rank and step. The ranks exchange gradients in the last one only.
  public var accumulate: Int
  /// Number of ranks the run was started with.
  public var ranks: Int
  /// Length of a training crop, seconds.
  public var cropSeconds: Double
  /// Learning rate before schedule and warm-up.
  public var learningRate: Double
  /// How the rate falls.
  public var schedule: LearningRateSchedule.Decay
  /// Steps of linear warm-up.
  public var warmupSteps: Int
  /// Limit of the global gradient norm.
  public var clip: Double
  /// Decay of the weights' moving average; nil for none.
  public var averageDecay: Double?
  /// Steps after which an epoch ends early; nil for the whole split.
  public var stepsPerEpoch: Int?

  /// Utterances of a rank in one step.
  public var itemsPerRank: Int { batch * accumulate }
  /// Global batch: utterances in one step over all ranks.
  public var globalBatch: Int { itemsPerRank * ranks }

  /// Puts the parts together.
  public init(
    model: ModelConfiguration, seed: UInt64 = 0, epochs: Int = 100, batch: Int = 6,
    accumulate: Int = 1, ranks: Int = 1, cropSeconds: Double = 2, learningRate: Double = 1e-3,
    schedule: LearningRateSchedule.Decay = .step, warmupSteps: Int = 0, clip: Double = 5,
    averageDecay: Double? = nil, stepsPerEpoch: Int? = nil
  ) {
    self.model = model
    self.seed = seed
    self.epochs = epochs
    self.batch = batch
    self.accumulate = accumulate
    self.ranks = ranks
    self.cropSeconds = cropSeconds
    self.learningRate = learningRate
    self.schedule = schedule
    self.warmupSteps = warmupSteps
    self.clip = clip
    self.averageDecay = averageDecay
    self.stepsPerEpoch = stepsPerEpoch
  }

  /// The JSON of `configuration.json` and of checkpoints, keys sorted.
  public func json() throws -> String { try indentedJSON(self) }

  /// What in `other` would make it another experiment, as "key (here, there)" texts.
  ///
  /// The number of ranks may differ as long as the global batch is the same. The number of epochs
  /// may grow, but not under `cosine`, whose rate depends on it.
  public func differences(from other: TrainingConfiguration) -> [String] {
    var found: [String] = []
    func compare<Value: Equatable>(_ name: String, _ mine: Value, _ theirs: Value) {
      if mine != theirs { found.append("\(name) (\(mine) here, \(theirs) in the checkpoint)") }
    }
    if !model.hasSameArchitecture(as: other.model) {
      found.append("--preset (\(model.name) here, \(other.model.name) in the checkpoint)")
    }
    compare("--seed", seed, other.seed)
    compare("the global batch, ranks × --batch × --accumulate", globalBatch, other.globalBatch)
    compare("--seconds", cropSeconds, other.cropSeconds)
    compare("--lr", learningRate, other.learningRate)
    compare("--schedule", schedule.rawValue, other.schedule.rawValue)
    compare("--warmup", warmupSteps, other.warmupSteps)
    compare("--clip", clip, other.clip)
    compare("--ema", averageDecay ?? 0, other.averageDecay ?? 0)
    compare("--steps-per-epoch", stepsPerEpoch ?? 0, other.stepsPerEpoch ?? 0)
    if schedule == .cosine { compare("--epochs", epochs, other.epochs) }
    return found
  }
}

extension TrainingConfiguration {
  /// Reads what `json` wrote, also in earlier versions, which lacked some of the keys.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      model: try values.decode(ModelConfiguration.self, forKey: .model),
      seed: try values.decode(UInt64.self, forKey: .seed),
      epochs: try values.decode(Int.self, forKey: .epochs),
      batch: try values.decode(Int.self, forKey: .batch),
      accumulate: try values.decodeIfPresent(Int.self, forKey: .accumulate) ?? 1,
      ranks: try values.decode(Int.self, forKey: .ranks),
      cropSeconds: try values.decode(Double.self, forKey: .cropSeconds),
      learningRate: try values.decode(Double.self, forKey: .learningRate),
      schedule: try values.decode(LearningRateSchedule.Decay.self, forKey: .schedule),
      warmupSteps: try values.decode(Int.self, forKey: .warmupSteps),
      clip: try values.decode(Double.self, forKey: .clip),
      averageDecay: try values.decodeIfPresent(Double.self, forKey: .averageDecay),
      stepsPerEpoch: try values.decodeIfPresent(Int.self, forKey: .stepsPerEpoch))
  }
}
