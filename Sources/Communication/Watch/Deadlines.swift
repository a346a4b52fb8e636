/// How long ranks wait for each other.
public struct Deadlines: Equatable, Sendable {
  /// Seconds that a rank waits for another.
  public var timeout: Double
  /// Seconds that a rank waits in phases that may take long (`RankPhase.isLong`), as long as the
  /// other shows that it lives.
  public var longTimeout: Double

  /// Deadlines in seconds; a rank may be silent for ten minutes, or an hour in long phases.
  public init(timeout: Double = 600, longTimeout: Double = 3600) {
    self.timeout = timeout
    self.longTimeout = max(timeout, longTimeout)
  }

  /// Seconds that a rank in `phase` waits for others that live.
  package func limit(of phase: RankPhase) -> Double { phase.isLong ? longTimeout : timeout }

  /// Seconds of a wait after which the log says for whom.
  package func warning(in phase: RankPhase) -> Double {
    phase.isLong ? longTimeout / 2 : min(60, timeout / 2)
  }

  /// Seconds between two signs of life.
  package var beat: Double { min(1, timeout / 8) }
}
