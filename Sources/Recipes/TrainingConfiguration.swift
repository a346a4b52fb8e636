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
  public var seed: UInt64 = 0
  /// Number of epochs.
  public var epochs = 100
  /// Utterances of a rank in one micro-batch.
  public var batch = 6
  /// Micro-batches of a rank and step. The ranks exchange gradients in the last one only.
  public var accumulate = 1
  /// Number of ranks the run was started with.
  public var ranks = 1
  /// Length of a training crop, seconds.
  public var cropSeconds = 2.0
  /// Learning rate before schedule and warm-up.
  public var learningRate = 1e-3
  /// How the rate falls.
  public var schedule = LearningRateSchedule.Decay.step
  /// Steps of linear warm-up.
  public var warmupSteps = 0
  /// Limit of the global gradient norm.
  public var clip = 5.0
  /// Decay of the weights' moving average; nil for none.
  public var averageDecay: Double?
  /// Steps after which an epoch ends early; nil for the whole split.
  public var stepsPerEpoch: Int?
  /// The discriminator; nil for none.
  public var discriminator: DiscriminatorRecipe?

  /// Utterances of a rank in one step.
  public var itemsPerRank: Int { batch * accumulate }
  /// Global batch: utterances in one step over all ranks.
  public var globalBatch: Int { itemsPerRank * ranks }

  /// The published recipe for `model`, as `change` changes it.
  public init(model: ModelConfiguration, _ change: (inout Self) -> Void = { _ in }) {
    self.model = model
    change(&self)
  }

  /// The JSON of `configuration.json` and of checkpoints, keys sorted.
  public func json() throws -> String { try indentedJSON(self) }

  /// Values in `other` that make it another experiment, as "flag (here, there)" texts.
  ///
  /// The number of ranks may differ as long as the global batch is the same. The number of epochs
  /// may grow, but not under `cosine`, whose rate depends on it.
  public func differences(from other: TrainingConfiguration) -> [String] {
    var found: [String] = []
    func compare<Value: Equatable>(_ name: String, _ value: (TrainingConfiguration) -> Value) {
      let (mine, theirs) = (value(self), value(other))
      if mine != theirs { found.append("\(name) (\(mine) here, \(theirs) in the checkpoint)") }
    }
    if !model.hasSameArchitecture(as: other.model) {
      if model.name != other.model.name {
        found.append("--preset (\(model.name) here, \(other.model.name) in the checkpoint)")
      } else {
        found += model.differences(from: other.model).map { difference in
          "\(difference.key) of --preset (\(difference.own ?? "none") here, "
            + "\(difference.other ?? "none") in the checkpoint)"
        }
      }
    }
    compare("--seed") { $0.seed }
    compare("the global batch, ranks × --batch × --accumulate") { $0.globalBatch }
    compare("--seconds") { $0.cropSeconds }
    compare("--lr") { $0.learningRate }
    compare("--schedule") { $0.schedule }
    compare("--warmup") { $0.warmupSteps }
    compare("--clip") { $0.clip }
    compare("--ema") { $0.averageDecay ?? 0 }
    compare("--steps-per-epoch") { $0.stepsPerEpoch ?? 0 }
    if schedule == .cosine { compare("--epochs") { $0.epochs } }
    compare("discriminator") { $0.discriminator.map { "\($0)" } ?? "none" }
    return found
  }
}

extension TrainingConfiguration {
  /// Reads the recipe of a file, which may have been edited: counts that no run can have are
  /// refused, and none of the products of the others overflows.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func require(_ key: CodingKeys, _ isPossible: Bool) throws {
      guard !isPossible else { return }
      throw DecodingError.dataCorruptedError(
        forKey: key, in: values, debugDescription: "no run can have it")
    }
    func count(_ key: CodingKeys, _ range: ClosedRange<Int>) throws -> Int {
      let value = try values.decode(Int.self, forKey: key)
      try require(key, range.contains(value))
      return value
    }
    model = try values.decode(ModelConfiguration.self, forKey: .model)
    seed = try values.decode(UInt64.self, forKey: .seed)
    epochs = try count(.epochs, 0...Self.largestCount)
    batch = try count(.batch, 1...Self.largestFactor)
    // Version 0.1.0 did not write it: it was always 1.
    accumulate =
      values.contains(.accumulate) ? try count(.accumulate, 1...Self.largestFactor) : 1
    ranks = try count(.ranks, 1...Self.largestFactor)
    cropSeconds = try values.decode(Double.self, forKey: .cropSeconds)
    try require(.cropSeconds, cropSeconds > 0 && cropSeconds <= 1e9)
    learningRate = try values.decode(Double.self, forKey: .learningRate)
    schedule = try values.decode(LearningRateSchedule.Decay.self, forKey: .schedule)
    warmupSteps = try count(.warmupSteps, 0...Self.largestCount)
    clip = try values.decode(Double.self, forKey: .clip)
    averageDecay = try values.decodeIfPresent(Double.self, forKey: .averageDecay)
    if try values.decodeIfPresent(Int.self, forKey: .stepsPerEpoch) != nil {
      stepsPerEpoch = try count(.stepsPerEpoch, 1...Self.largestCount)
    }
    discriminator = try values.decodeIfPresent(DiscriminatorRecipe.self, forKey: .discriminator)
  }

  /// Largest number of epochs and of steps.
  private static let largestCount = 1_000_000_000
  /// Largest factor of the global batch.
  private static let largestFactor = 1_000_000
}
