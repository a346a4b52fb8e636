import Foundation
import Platform

/// Why a schedule cannot be made.
public enum LearningRateScheduleError: Error, Equatable, CustomStringConvertible {
  /// No decay has this name.
  case unknownDecay(name: String)
  /// A number makes no sense; `requirement` says which would.
  case invalid(key: String, value: String, requirement: String)

  /// One sentence naming the key and the allowed values.
  public var description: String {
    switch self {
    case .unknownDecay(let name):
      let allowed = LearningRateSchedule.Decay.allCases.map(\.rawValue).joined(separator: ", ")
      return "learning-rate schedule \"\(name)\" is unknown; use one of: \(allowed)"
    case .invalid(let key, let value, let requirement):
      return "\(key) is \(value), but must be \(requirement)"
    }
  }
}

/// The learning rate of every optimiser step, as a pure function of the step's number.
///
/// Nothing is counted or stored, so a resumed run continues exactly where it stopped.
public struct LearningRateSchedule: Sendable, Equatable {
  /// How the rate falls after the warm-up.
  public enum Decay: String, Sendable, CaseIterable, Codable {
    /// A factor every few epochs; ×0.98 every 10 is the published recipe.
    case step
    /// A factor after every epoch, as `torch.optim.lr_scheduler.ExponentialLR`.
    case exponential
    /// Half a cosine from the base rate down to exactly 0 when the budget of steps is used up.
    case cosine
    /// The base rate throughout.
    case constant
    /// A factor whenever the validation score has not risen for some epochs; see
    /// `PlateauProgress`. The schedule itself gives the base rate.
    case plateau

    /// The decay called `name`; throws `unknownDecay`, which lists the allowed names.
    public init(name: String) throws(LearningRateScheduleError) {
      guard let decay = Decay(rawValue: name) else { throw .unknownDecay(name: name) }
      self = decay
    }

    /// Decodes a name; throws `unknownDecay`, which lists the allowed ones.
    public init(from decoder: any Decoder) throws {
      try self.init(name: decoder.singleValueContainer().decode(String.self))
    }
  }

  /// How the rate falls after the warm-up.
  public let settings: ScheduleSettings
  /// Rate after the warm-up and before any decay.
  public let base: Double
  /// Optimiser steps in one epoch.
  public let stepsPerEpoch: Int
  /// Optimiser steps in the whole run.
  public let totalSteps: Int
  /// Steps over which the rate rises linearly from `base / warmupSteps` to `base`.
  public let warmupSteps: Int

  /// Throws `invalid` for a base rate that is not positive and finite, counts below 1, or a
  /// warm-up that is negative or not shorter than the run.
  public init(
    _ settings: ScheduleSettings, base: Double, stepsPerEpoch: Int, totalSteps: Int,
    warmupSteps: Int = 0
  ) throws(LearningRateScheduleError) {
    func check(_ key: String, _ value: some CustomStringConvertible, _ ok: Bool, _ text: String)
      throws(LearningRateScheduleError)
    {
      if !ok { throw .invalid(key: key, value: value.description, requirement: text) }
    }
    try check("learning rate", base, base > 0 && base.isFinite, "positive and finite")
    try check("steps per epoch", stepsPerEpoch, stepsPerEpoch > 0, "at least 1")
    try check("number of steps", totalSteps, totalSteps > 0, "at least 1")
    try check(
      "number of warm-up steps", warmupSteps, (0..<totalSteps).contains(warmupSteps),
      "at least 0 and below the run's \(NumberText.count(totalSteps, "step")); lower --warmup or "
        + "the recipe's \"warmup\", or train for more epochs")
    self.settings = settings
    self.base = base
    self.stepsPerEpoch = stepsPerEpoch
    self.totalSteps = totalSteps
    self.warmupSteps = warmupSteps
  }

  /// The rate of step `step`, counted from 0.
  public func rate(atStep step: Int) -> Double {
    precondition(step >= 0, "LearningRateSchedule: step \(step)")
    if step < warmupSteps { return base * (Double(step + 1) / Double(warmupSteps)) }
    let epoch = step / stepsPerEpoch
    switch settings.decay {
    case .constant, .plateau:
      return base
    case .step:
      return base * pow(settings.factor, Double(epoch / settings.epochs))
    case .exponential:
      return base * pow(settings.factor, Double(epoch))
    case .cosine:
      if step >= totalSteps { return 0 }
      let progress = Double(step - warmupSteps) / Double(totalSteps - warmupSteps)
      return base * 0.5 * (1 + cos(.pi * progress))
    }
  }
}
