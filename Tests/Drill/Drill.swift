/// Something that goes wrong on purpose in a real job, and what has to become of it.
struct Drill: Sendable {
  /// For the command line.
  let name: String
  /// Fault that the job suffers.
  let injected: String
  /// Whether the short form has it.
  let isShort: Bool
  /// Does it, looks at everything, and tells what the job did.
  let perform: @Sendable (DrillGround) throws -> DrillOutcome

  init(
    _ name: String, _ injected: String, short isShort: Bool = false,
    _ perform: @escaping @Sendable (DrillGround) throws -> DrillOutcome
  ) {
    self.name = name
    self.injected = injected
    self.isShort = isShort
    self.perform = perform
  }
}

/// Result of a drill that went well.
struct DrillOutcome: Sendable {
  /// Reaction of the job.
  let did: String
  /// Seconds from the harm to the job's end, or to the end of the run that recovered.
  let seconds: Double
  /// Comparison that shows that nothing is lost.
  let kept: String
}

/// A promise that does not hold.
struct DrillFailure: Error, CustomStringConvertible {
  let description: String
}

/// A drill that this machine cannot run, with the reason.
struct DrillSkipped: Error, CustomStringConvertible {
  let description: String
}
