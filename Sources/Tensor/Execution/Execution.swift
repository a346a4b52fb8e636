/// Settings of a forward and backward pass through a model, none of which changes a bit of its
/// results.
///
/// The tape carries them, so that every operation sees them and none has a setting of its own.
public struct Execution {
  /// Number of threads that share the work inside one utterance.
  public var threads: Int
  /// Whether operations keep only their inputs and recompute the other activations in backward: a
  /// fraction of the memory for about a fifth more time.
  public var recomputes: Bool
  /// Profile that adds up the time of each part; only with one thread.
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
