/// The metric discriminator of a recipe: a network that learns the PESQ of what the generator
/// makes, and leads it.
public struct DiscriminatorRecipe: Equatable, Sendable, Codable {
  /// Which of the two networks takes its step first.
  public enum Order: String, CaseIterable, Sendable, Codable {
    /// The generator, then the discriminator on the estimate from before that step.
    case generatorFirst = "generator-first"
    /// The discriminator; then the generator is led by the new one.
    case discriminatorFirst = "discriminator-first"
  }

  /// Terms of the discriminator's loss.
  public enum Term: String, CaseIterable, Sendable, Codable {
    /// (D(clean, clean) − 1)²
    case clean
    /// (D(clean, estimate) − label of PESQ(clean, estimate))²
    case estimate
    /// (D(estimate, noisy) − label of PESQ(estimate, noisy))², the estimate as the reference.
    case noisy
  }

  /// Treatment of utterances that have no label because PESQ fails.
  public enum Missing: String, CaseIterable, Sendable, Codable {
    /// Without all labels of the global batch the discriminator does not move in the step.
    case batch
    /// Without all labels of the global batch the discriminator learns from the clean term alone.
    case clean
    /// Utterances without labels are left out of the terms that need them.
    case utterance
  }

  /// When the generator begins to use the discriminator, which itself learns from the first step.
  public enum Start: Equatable, Sendable, Codable {
    /// From the epoch, counted from 0, that is at least this part of all epochs.
    case fraction(Double)
    /// From this epoch on, counted from 1.
    case epoch(Int)

    /// Epochs that are trained before the use begins, of `epochs` in all.
    public func epochsBefore(of epochs: Int) -> Int {
      switch self {
      case .fraction(let fraction): Int((fraction * Double(epochs)).rounded(.up))
      case .epoch(let epoch): epoch - 1
      }
    }
  }

  /// Weight of mean (D(clean, estimate) − 1)² in the generator's loss.
  public var weight: Double
  /// When the generator begins to use it.
  public var from = Start.epoch(1)
  /// Which network takes its step first.
  public var order = Order.generatorFirst
  /// Largest output of the learnable sigmoid, β.
  public var beta = 1.2
  /// Number that is added to PESQ; the sum over `labelScale` is the label.
  public var labelOffset = 0.5
  /// See `labelOffset`.
  public var labelScale = 5.0
  /// Terms of its loss, in the order of their passes.
  public var terms: [Term] = [.estimate, .clean, .noisy]
  /// Treatment of missing labels.
  public var missing = Missing.batch
  /// Number that is added to magnitudes before their power.
  public var magnitudeEpsilon = 1e-10
  /// Exponent of the magnitudes that it sees.
  public var magnitudeExponent = 0.3
  /// Channels of its first convolution, ndf.
  public var channels = 16
  /// Probability with which dropout zeroes a number of its second last layer.
  public var dropout = 0.3
  /// Its learning rate before schedule and warm-up; the warm-up is the generator's.
  public var learningRate = 1e-3
  /// Limit of its gradient's norm; nil for none.
  public var clip: Double? = 5

  /// The published discriminator of the BSRNN systems with `weight` in the generator's loss.
  public init(weight: Double) { self.weight = weight }
}
