import Foundation
import Platform

/// What a training job is asked to do about saving and stopping.
public struct SavingRequest: Sendable {
  /// How often to save within an epoch.
  public var interval = CheckpointInterval.standard
  /// Checkpoints that stay.
  public var keep = 2
  /// Signals at which to save and stop.
  public var stopSignals = StopSignals.none
  /// Seconds after `startedAt` at which the job ends, if the user knows.
  public var wallTime: Double?
  /// Seconds before the end at which to save and stop; nil to measure them.
  public var wallMargin: Double?
  /// Uptime of the system when the program began.
  public var startedAt = ProcessInfo.processInfo.systemUptime
  /// What is made to go wrong on purpose.
  public var fault: FaultInjection?

  /// A request with everything at its default.
  public init() {}
}
