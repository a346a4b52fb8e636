/// Something that goes wrong on purpose in a real job, and what has to become of it.
struct Drill: Sendable {
  /// For the command line.
  let name: String
  /// Fault that the job suffers.
  let injected: String
  /// Whether the short form has it.
  let isShort: Bool
  /// Whether its runs have a discriminator.
  let hasDiscriminator: Bool
  /// Does it, looks at everything, and tells what the job did.
  let perform: @Sendable (DrillGround) throws -> DrillOutcome

  init(
    _ name: String, _ injected: String, short isShort: Bool = false,
    discriminator hasDiscriminator: Bool = false,
    _ perform: @escaping @Sendable (DrillGround) throws -> DrillOutcome
  ) {
    self.name = name
    self.injected = injected
    self.isShort = isShort
    self.hasDiscriminator = hasDiscriminator
    self.perform = perform
  }

  /// This drill on a run with a discriminator.
  func withDiscriminator(short isShort: Bool = false) -> Drill {
    Drill(
      "\(name)-duel", "\(injected), with a discriminator", short: isShort, discriminator: true,
      perform)
  }
}

extension [Drill] {
  /// The drills, and after each one of `names` the same with a discriminator; those of `short` are
  /// of the short form.
  func alsoWithDiscriminator(_ names: Set<String>, short: Set<String> = []) -> [Drill] {
    flatMap { drill in
      names.union(short).contains(drill.name)
        ? [drill, drill.withDiscriminator(short: short.contains(drill.name))] : [drill]
    }
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
