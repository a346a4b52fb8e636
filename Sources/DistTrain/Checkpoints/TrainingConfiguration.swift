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
  @OneIfMissing public var accumulate = 1
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
    return found
  }
}

/// A count whose key earlier versions did not write, when it was always 1.
@propertyWrapper public struct OneIfMissing: Codable, Equatable, Sendable {
  /// The count.
  public var wrappedValue: Int

  /// A count of any value; only a key that is missing in a file means 1.
  public init(wrappedValue: Int) { self.wrappedValue = wrappedValue }

  /// Reads a bare number.
  public init(from decoder: any Decoder) throws {
    wrappedValue = try decoder.singleValueContainer().decode(Int.self)
  }

  /// Writes a bare number.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}

extension KeyedDecodingContainer {
  // The decoder that the compiler makes calls this overload, since it is the more special one.
  func decode(_ type: OneIfMissing.Type, forKey key: Key) throws -> OneIfMissing {
    try decodeIfPresent(type, forKey: key) ?? OneIfMissing(wrappedValue: 1)
  }
}
