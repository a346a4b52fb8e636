import Foundation

/// How often a run saves in the middle of an epoch. At the end of one it always does.
public enum CheckpointInterval: Equatable, Sendable {
  /// After every step whose number in the run is a multiple of this: also after a resume.
  case steps(Int)
  /// When so much time has passed since the last checkpoint.
  case seconds(Double)

  /// Ten minutes.
  public static let standard = CheckpointInterval.seconds(600)

  /// Reads `500`, `500steps`, or a duration with a unit, such as `10m`, `1h30m` and `1:30:00`; nil
  /// for anything else.
  public init?(_ text: String) {
    let digits = text.hasSuffix("steps") ? text.dropLast(5) : text[...]
    if let steps = Int(digits), digits.allSatisfy({ $0.isASCII && $0.isNumber }) {
      guard steps > 0 else { return nil }
      self = .steps(steps)
    } else if text.contains(where: { $0.isLetter || $0 == ":" }),
      let seconds = TimeSpan.seconds(text), seconds > 0
    {
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

/// When a run has to save or to stop, by one rank's clock: rank 0's.
///
/// Until the end of the job's time there must be room for the step under way and a checkpoint, with
/// some to spare. Unless a margin is given it is three of the longest steps and three of the
/// longest checkpoints so far, and at least a minute.
package struct RunClock {
  private let interval: CheckpointInterval
  private let end: Double?
  private let givenMargin: Double?
  private let now: () -> Double
  private var lastSave: Double
  private var stepStart: Double?
  private var longestStep = 0.0
  private var longestSave = 0.0
  private var lastValidation = 0.0

  /// The least margin in seconds, unless one is given.
  package static let leastMargin = 60.0

  /// `end` is the end of the job's time on the clock `now` in seconds, nil if there is none.
  package init(
    interval: CheckpointInterval, end: Double?, margin: Double?,
    now: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
  ) {
    self.interval = interval
    self.end = end
    givenMargin = margin
    self.now = now
    lastSave = now()
  }

  /// Seconds kept before the end.
  package var margin: Double {
    let step = max(longestStep, stepStart.map { now() - $0 } ?? 0)
    return givenMargin ?? Self.margin(step: step, save: longestSave)
  }

  /// Seconds kept before the end if none are given, with steps and checkpoints of these seconds.
  package static func margin(step: Double, save: Double) -> Double {
    max(leastMargin, 3 * save + 3 * step)
  }

  /// Whether it is time to stop.
  package var isTimeUp: Bool { !hasTime(for: 0) }

  /// Whether a validation as long as the last one still fits.
  package var hasTimeForValidation: Bool { hasTime(for: lastValidation) }

  private func hasTime(for seconds: Double) -> Bool {
    guard let end else { return true }
    return now() + seconds + margin < end
  }

  /// Whether so much time has passed since the last checkpoint that one is due.
  package var isSaveDue: Bool {
    guard case .seconds(let seconds) = interval else { return false }
    return now() - lastSave >= seconds
  }

  /// A step begins.
  package mutating func stepBegins() { stepStart = now() }

  /// It has ended.
  package mutating func stepEnded() {
    if let stepStart { longestStep = max(longestStep, now() - stepStart) }
    stepStart = nil
  }

  /// A checkpoint was written, and took so many seconds.
  package mutating func saved(seconds: Double) {
    longestSave = max(longestSave, seconds)
    lastSave = now()
  }

  /// A validation has ended, and took so many seconds.
  package mutating func validated(seconds: Double) { lastValidation = seconds }
}
