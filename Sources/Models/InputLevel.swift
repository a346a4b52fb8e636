import Platform

/// Level of the signals that a model takes.
public enum InputLevel: String, CaseIterable, Sendable {
  /// As recorded.
  case asIs = "none"
  /// Every noisy utterance brought to an RMS of 1: noisy and clean samples are multiplied by
  /// γ = √(L/Σx²) of the whole noisy utterance, and what the model makes is divided by it again.
  /// Source: SEMamba and MP-SENet.
  case utterance

  /// The factor γ for the `samples` of a whole noisy utterance; 1 for digital silence.
  public func factor(_ samples: some Sequence<Float>) -> Float {
    guard self == .utterance else { return 1 }
    var sum = LevelSum()
    sum.add(samples)
    return sum.factor
  }
}
