import Files
import Foundation
import Models
import Tensor

/// Everything that decides what a run computes: the resolved form of the `train` command's flags.
///
/// It is saved in the run folder and inside every checkpoint. Paths and the number of epochs are
/// facts of a run and may change when it is resumed; the recipe may not.
public struct TrainingConfiguration: Equatable, Sendable {
  /// The model.
  public var model: ModelConfiguration
  /// Seed of initial values, order and crops.
  public var seed: UInt64 = 0
  /// Utterances of a rank in one micro-batch.
  public var batch = 6
  /// Micro-batches of a rank and step. The ranks exchange gradients in the last one only.
  public var accumulate = 1
  /// Number of ranks the run was started with.
  public var ranks = 1
  /// Steps after which an epoch ends early; nil for the whole split.
  public var stepsPerEpoch: Int?
  /// Beginnings of the names of parameters that do not move, sorted; nil for none.
  public var frozen: [String]?
  /// The weights that the run started from; nil for random ones.
  public var initialization: Initialization?
  /// The recipe, with the rate for its own global batch.
  public var recipe = Recipe()

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
}

extension TrainingConfiguration {
  /// Number of epochs.
  public var epochs: Int {
    get { recipe.epochs }
    set { recipe.epochs = newValue }
  }
  /// Number of samples of a training crop.
  public var cropSamples: Int {
    switch recipe.crop {
    case .seconds(let seconds): model.frontEnd.sampleCount(seconds: seconds)
    case .samples(let count): count
    }
  }
  /// Length of a training crop, seconds.
  public var cropSeconds: Double {
    get {
      switch recipe.crop {
      case .seconds(let seconds): seconds
      case .samples(let count): model.frontEnd.seconds(sampleCount: count)
      }
    }
    set { recipe.crop = .seconds(newValue) }
  }
  /// Factor by which the global batch differs from the one that the recipe's rate is meant for.
  public var batchFactor: Double {
    recipe.globalBatch.map { Double(globalBatch) / Double($0) } ?? 1
  }
  /// Learning rate before schedule and warm-up: the recipe's, scaled to the global batch.
  public var learningRate: Double {
    get {
      // Without scaling the recipe's number itself, to the last bit.
      recipe.scaling == .none
        ? recipe.learningRate : recipe.learningRate * recipe.scaling.rateFactor(batchFactor)
    }
    set {
      recipe.learningRate = newValue
      recipe.scaling = .none
    }
  }
  /// How the rate falls; a new kind has its usual numbers.
  public var schedule: LearningRateSchedule.Decay {
    get { recipe.schedule.decay }
    set { recipe.schedule = ScheduleSettings(newValue) }
  }
  /// Steps of linear warm-up; 0 if the recipe gives epochs.
  public var warmupSteps: Int {
    get {
      switch recipe.warmup {
      case .steps(let steps): steps
      case .epochs: 0
      }
    }
    set { recipe.warmup = .steps(newValue) }
  }
  /// Whether the rate rises at the start.
  public var hasWarmup: Bool { recipe.warmup != .steps(0) && recipe.warmup != .epochs(0) }
  /// Limit of the global gradient norm; nil for none.
  public var clip: Double? {
    get { recipe.clip }
    set { recipe.clip = newValue }
  }
  /// Decay of the weights' moving average; nil for none.
  public var averageDecay: Double? {
    get { recipe.averageDecay }
    set { recipe.averageDecay = newValue }
  }
  /// Rule for the best epoch: the recipe's, or the standard one of the model's sample rate.
  public var selection: SelectionRule {
    recipe.bestBy ?? .standard(sampleRate: model.frontEnd.sampleRate)
  }
}

extension TrainingConfiguration {
  /// Values in `other` that make it another experiment, as "flag (here, there)" texts.
  ///
  /// The number of ranks may differ as long as the global batch is the same. The number of epochs
  /// may grow, but not where rates or the use of a discriminator depend on it. The weights are the
  /// same whichever of them are kept: rule, patience and averages of the best epochs may change.
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
    compare("--clip") { $0.clip.map { "\($0)" } ?? "none" }
    compare("--ema") { $0.averageDecay ?? 0 }
    compare("--steps-per-epoch") { $0.stepsPerEpoch.map { "\($0)" } ?? "all" }
    compare("--freeze") { $0.frozen.map { $0.joined(separator: " ") } ?? "none" }
    if let reason = dependenceOnEpochs ?? other.dependenceOnEpochs {
      compare("--epochs, on which \(reason),") { $0.epochs }
    }
    // Compared above, without meaning once the rate is known, or free to change.
    var known: Set = [
      "epochs", "batch", "global_batch", "scaling", "crop", "learning_rate", "clip", "average",
      "best_by", "patience", "average_best",
    ]
    if schedule != other.schedule { known.insert("schedule") }
    if warmupSteps != other.warmupSteps { known.insert("warmup") }
    found += recipe.differences(from: other.recipe, except: known).map { difference in
      "\(difference.key) of the recipe (\(difference.own.map { "\($0)" } ?? "none") here, "
        + "\(difference.other.map { "\($0)" } ?? "none") in the checkpoint)"
    }
    return found
  }

  /// Clause about what another number of epochs would change before the last of them; nil if
  /// nothing.
  private var dependenceOnEpochs: String? {
    if schedule == .cosine { return "the cosine depends" }
    if recipe.discriminator?.schedule.decay == .cosine {
      return "the cosine of the discriminator's rate depends"
    }
    if case .fraction(let fraction) = recipe.discriminator?.from, fraction > 0 {
      return "the start of the discriminator depends"
    }
    return nil
  }
}
