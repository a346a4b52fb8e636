import ArgumentParser
import Foundation
import Platform

/// Rejects values of flags that make no sense: one text for one mistake, whichever command has the
/// flag. A flag that is not given, nil, passes.
enum Flags {
  /// Seconds of a training crop, or of an utterance in its place.
  static let cropSeconds = 0.1...600.0
  /// Threads of a process.
  static let threads = 1...1024

  /// Throws `ValidationError` with `text` unless `condition` holds.
  static func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw ValidationError(text()) }
  }

  /// Throws `ValidationError` if the path `path` of `flag` is empty: to the system that would be
  /// the current folder.
  static func require(_ flag: String, path: String?) throws {
    try require(path?.isEmpty != true, "\(flag) is empty; give the name of a file or folder")
  }

  /// Largest number of steps, epochs, ranks and the like that a flag takes: products of two of them
  /// are integers.
  static let largestCount = 1_000_000_000
  /// Largest number of utterances of a rank and step, and of batches of a rank and step: products
  /// of both and of the number of ranks are integers.
  static let largestBatch = 1_000_000

  /// Throws `ValidationError` unless `value` of `flag` lies between `minimum` and `maximum`.
  static func require(
    _ flag: String, _ value: Int?, atLeast minimum: Int, atMost maximum: Int = largestCount
  ) throws {
    guard let value else { return }
    try require(value >= minimum, "\(flag) must be at least \(minimum), not \(value)")
    try require(
      value <= maximum, "\(flag) must be at most \(NumberText.grouped(maximum)), not \(value)")
  }

  /// Throws `ValidationError` unless `value` of `flag` lies in `range`.
  static func require(_ flag: String, _ value: Int?, within range: ClosedRange<Int>) throws {
    guard let value else { return }
    try require(
      range.contains(value),
      "\(flag) must be between \(range.lowerBound) and \(range.upperBound), not \(value)")
  }

  /// Throws `ValidationError` unless `value` of `flag` lies in `range`; `unit` is for the text.
  static func require(
    _ flag: String, _ value: Double?, within range: ClosedRange<Double>, unit: String? = nil
  ) throws {
    guard let value else { return }
    let bounds = [range.lowerBound, range.upperBound].map {
      String(format: "%g", $0).replacingOccurrences(of: "e+0", with: "e")
    }
    // NaN lies in no range.
    try require(
      range.contains(value),
      "\(flag) must be between \(bounds[0]) and \(bounds[1])\(unit.map { " " + $0 } ?? ""), not "
        + "\(value)")
  }

  /// Throws `ValidationError` unless `value` of `flag` is finite and above 0.
  static func requirePositive(_ flag: String, _ value: Double?) throws {
    guard let value else { return }
    try require(value > 0 && value.isFinite, "\(flag) must be positive, not \(value)")
  }

  /// Throws `ValidationError` unless `value` of `flag` is finite and not below 0.
  static func requireNotNegative(_ flag: String, _ value: Double?) throws {
    guard let value else { return }
    try require(value >= 0 && value.isFinite, "\(flag) must not be negative, not \(value)")
  }

  /// Throws `ValidationError` unless `value` of `flag` is the decay of an average: from 0, below 1.
  static func requireDecay(_ flag: String, _ value: Double) throws {
    try require(
      value >= 0 && value < 1, "\(flag) must be at least 0 and below 1, not \(value)")
  }

  /// Throws `ValidationError` unless `text` of `flag` is a time that `TimeSpan` reads, above 0.
  static func requireTime(_ flag: String, _ text: String?) throws {
    guard let text else { return }
    try require(
      TimeSpan.seconds(text) ?? 0 > 0,
      "\(flag) takes a time such as \(TimeSpan.examples), not \(text)")
  }

  /// A time of an option in seconds, in one of the forms of `TimeSpan`. A number below 0 or one
  /// that is not finite passes, so that `require` can name the bounds.
  @Sendable static func seconds(_ text: String) throws -> Double {
    guard let value = TimeSpan.seconds(text) ?? Double(text) else {
      throw ValidationError("it takes a time such as \(TimeSpan.examples)")
    }
    return value
  }
}
