import Platform

/// How often a run saves in the middle of an epoch. At the end of one it always does.
public enum CheckpointInterval: Equatable, Sendable {
  /// After every step whose number in the run is a multiple of this: also after a resume.
  case steps(Int)
  /// When so much time has passed since the last checkpoint.
  case seconds(Double)

  /// Ten minutes.
  public static let standard = CheckpointInterval.seconds(600)

  /// Reads `500`, `500steps`, or a duration such as `10m` and `2h`; nil for anything else.
  public init?(_ text: String) {
    let digits = text.hasSuffix("steps") ? text.dropLast(5) : text[...]
    if let steps = Int(digits), digits.allSatisfy({ $0.isASCII && $0.isNumber }) {
      guard steps > 0 else { return nil }
      self = .steps(steps)
    } else if !text.contains(":"), let seconds = TimeSpan.seconds(text) {
      self = .seconds(seconds)
    } else {
      return nil
    }
  }

  /// Whether a checkpoint is due after `step` steps of the run, whatever the time.
  package func isDue(afterStep step: Int) -> Bool {
    guard case .steps(let count) = self else { return false }
    return step.isMultiple(of: count)
  }
}
