/// How a pass through a model runs. Its results do not depend on it, bit for bit.
///
/// An argument of the tape, so that every operation sees it and none has a setting of its own.
public struct Execution {
  /// Threads that share the work inside one utterance.
  public var threads: Int
  /// Whether operations keep nothing but their inputs and compute the rest again in backward:
  /// a fraction of the memory for about a fifth more time.
  public var recomputes: Bool
  /// Where to add up the time of each part; only with one thread.
  public var profile: Profile?

  /// One thread, activations kept, no measurements.
  public init(threads: Int = 1, recomputes: Bool = false, profile: Profile? = nil) {
    precondition(threads > 0, "Execution: \(threads) threads")
    precondition(
      threads == 1 || profile == nil, "Execution: parts are measured on one thread, not \(threads)")
    self.threads = threads
    self.recomputes = recomputes
    self.profile = profile
  }
}
