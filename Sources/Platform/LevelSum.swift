/// Sum of squares of a noisy utterance, which may come in pieces.
public struct LevelSum: Sendable {
  private var energy = 0.0
  private var count = 0

  /// The sum of nothing.
  public init() {}

  /// Adds `samples`.
  public mutating func add(_ samples: some Sequence<Float>) {
    for sample in samples {
      energy += Double(sample) * Double(sample)
      count += 1
    }
  }

  /// The factor γ = √(L/Σx²); 1 for digital silence, and for samples that are not finite.
  public var factor: Float {
    guard energy > 0, energy.isFinite else { return 1 }
    let factor = Float((Double(count) / energy).squareRoot())
    return factor.isFinite ? factor : 1
  }
}
