import Models
import Tensor

/// A training recipe: everything that decides what a run computes, besides model, corpus, seed and
/// the shares of the ranks.
///
/// Recipes are JSON files; `Recipe.names` come with the program.
public struct Recipe: Equatable, Sendable {
  /// Steps or epochs of linear warm-up.
  public enum Warmup: Equatable, Sendable {
    /// Optimiser steps.
    case steps(Int)
    /// Epochs, possibly a part of one.
    case epochs(Double)

    /// Number of steps, if an epoch has `stepsPerEpoch`.
    public func steps(perEpoch stepsPerEpoch: Int) -> Int {
      switch self {
      case .steps(let steps): steps
      case .epochs(let epochs): Int((epochs * Double(stepsPerEpoch)).rounded())
      }
    }
  }

  /// Length of a training crop.
  public enum Crop: Equatable, Sendable {
    /// Seconds.
    case seconds(Double)
    /// Samples at the rate of the model's front end.
    case samples(Int)
  }

  /// Treatment of utterances shorter than a crop.
  public enum ShortUtterances: String, CaseIterable, Sendable {
    /// Repeated from their start.
    case repeated = "repeat"
    /// Followed by zeros.
    case padded = "pad"
  }

  /// How the rate follows a global batch that differs from the recipe's.
  public enum Scaling: String, CaseIterable, Sendable {
    /// It stays.
    case none
    /// Factor of the global batch (Goyal et al. 2017).
    case linear
    /// Square root of the factor, usual with Adam.
    case sqrt

    /// Factor of the rate where the global batch is `factor` times the recipe's.
    public func rateFactor(_ factor: Double) -> Double {
      switch self {
      case .none: 1
      case .linear: factor
      case .sqrt: factor.squareRoot()
      }
    }
  }

  /// Name, of which a run says that it follows it.
  public var name = "published"
  /// Name for people.
  public var title = ""
  /// Sentence about the recipe.
  public var summary = ""
  /// Number of epochs.
  public var epochs = 100
  /// Utterances of a rank in one micro-batch; nil for its share of `globalBatch`.
  public var batch: Int? = 6
  /// Utterances of one step over all ranks, for which `learningRate` is meant; nil if it is meant
  /// for all.
  public var globalBatch: Int? = 6
  /// How the rate follows another global batch.
  public var scaling = Scaling.none
  /// The optimizer.
  public var optimizer = AdamSettings()
  /// Learning rate before schedule, warm-up and scaling.
  public var learningRate = 1e-3
  /// How the rate falls.
  public var schedule = ScheduleSettings(.step)
  /// Linear warm-up of the rate.
  public var warmup = Warmup.steps(0)
  /// Limit of the global gradient norm; nil for none.
  public var clip: Double? = 5
  /// Decay of the weights' moving average; nil for none.
  public var averageDecay: Double?
  /// Length of a training crop.
  public var crop = Crop.seconds(2)
  /// Treatment of utterances shorter than a crop.
  public var shortUtterances = ShortUtterances.repeated
  /// Level of the signals that the model takes.
  public var level = InputLevel.asIs
  /// The loss.
  public var losses = LossSettings.published
  /// The metric discriminator; nil for none.
  public var discriminator: DiscriminatorRecipe?

  /// The published recipe, which is that of a run without any option.
  public init() {}
}
