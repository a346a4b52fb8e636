import Foundation
import Platform
import TestSupport

/// Numbers that are not finite.
enum BadNumbers {
  static let drills = [
    Drill("poison-input", "a NaN in an utterance on rank 1") {
      try poison($0, "poison-input", "first non-finite: rank 1, ")
    },
    Drill("poison-gradient", "a NaN in a gradient on rank 1", short: true) {
      try poison($0, "poison-gradient", "and rank 1's own gradient sum of ")
    },
    Drill("poison-weight", "a NaN in a weight on rank 1", short: true) {
      try poisonWeight($0, "poison-weight", "weights not finite")
    },
    Drill("poison-weight-again", "a NaN in a weight, and no rollback left") { ground in
      let outcome = try ground.bench.train(
        ranks: 2, run: "again",
        ground.recipe + ["--skip-limit", "2", "--rollbacks", "0"],
        environment: ["DISTTRAIN_FAULT": "poison-weight@step=7,rank=1"])
      try ground.requireEnd(
        outcome, status: ExitStatus.failure.rawValue, saying: ["was not finite in 2 steps in a row"]
      )
      return DrillOutcome(
        did: "stopped with a report; resumed", seconds: outcome.seconds,
        kept: try ground.resumeAndCompare("again"))
    },
  ]

  /// Drills that harm the discriminator of a run.
  static let drillsOfDiscriminators = [
    Drill(
      "poison-discriminator-weight", "a NaN in a weight of the discriminator on rank 1",
      short: true,
      discriminator: true
    ) {
      try poisonWeight(
        $0, "poison-discriminator-weight",
        "weights of discriminator.layers.0 (discriminator.layers.0.weight_orig), 1 NaN of 512")
    },
    Drill(
      "poison-discriminator-gradient", "a NaN in a gradient of the discriminator on rank 1",
      discriminator: true
    ) { ground in
      let outcome = try poison(
        ground, "poison-discriminator-gradient",
        "and rank 1's own gradient sum of discriminator.layers.18.slope")
      // A skipped step leaves nothing behind, whichever network it was skipped for.
      let other = "poison-other-gradient"
      let skipped = try ground.bench.train(
        ranks: 2, run: other, ground.recipe + ["--stop-after", "\(DrillGround.steps)"],
        environment: ["DISTTRAIN_FAULT": "poison-gradient@step=7,rank=0"])
      try ground.requireEnd(skipped, status: 0, saying: ["step 7 skipped on all ranks"])
      let differences = try ground.bench.differences("poison-discriminator-gradient", other)
      try ground.require(
        differences.isEmpty,
        "not as a run whose generator skipped the step: " + differences.joined(separator: ", "))
      return outcome
    },
    Drill("poison-label", "a NaN in a label on rank 1", discriminator: true) {
      try poison($0, "poison-label", "input (label of the pass estimate), 1 NaN of 1")
    },
  ]

  /// Whether the fault of this kind is gone when the step is computed again.
  private static func isTransient(_ kind: String) -> Bool { kind.hasSuffix("gradient") }

  private static func poison(
    _ ground: DrillGround, _ kind: String, _ finding: String
  ) throws -> DrillOutcome {
    let steps = DrillGround.steps
    let outcome = try ground.bench.train(
      ranks: 2, run: kind, ground.recipe + ["--stop-after", "\(steps)"],
      environment: ["DISTTRAIN_FAULT": "\(kind)@step=7,rank=1"])
    try ground.requireEnd(
      outcome, status: 0,
      saying: ["step 7 skipped on all ranks", finding])
    try ground.requireFinite(kind)
    let replayed = try replay(
      ground, outcome,
      saying: isTransient(kind) ? "the fault was transient" : "what was recorded came again",
      status: isTransient(kind) ? ExitStatus.notReproduced : nil)
    try ground.require(
      try ground.bench.events(kind, "step").count == steps, "steps are missing", outcome)
    try ground.requireDiscriminator(kind)
    return DrillOutcome(
      did: "all ranks skipped the step; \(replayed)", seconds: outcome.seconds,
      kept: "the other \(steps - 1) steps done, weights finite")
  }

  private static func poisonWeight(
    _ ground: DrillGround, _ kind: String, _ finding: String
  ) throws -> DrillOutcome {
    let outcome = try ground.bench.train(
      ranks: 2, run: kind,
      ground.recipe + ["--skip-limit", "2", "--stop-after", "\(DrillGround.steps)"],
      environment: ["DISTTRAIN_FAULT": "\(kind)@step=7,rank=1"])
    try ground.requireEnd(
      outcome, status: 0, saying: ["2 steps in a row were skipped: back to step 5"])
    let found = outcome.output.split(separator: "\n").filter { $0.contains("first non-finite: ") }
    try ground.require(
      found.count == 2 && found.allSatisfy { $0.contains("rank 1, ") && $0.contains(finding) },
      "the log does not say where it began: \(finding)", outcome)
    try ground.requireFinite(kind)
    try ground.requireDiscriminator(kind)
    try ground.require(
      Set(try ground.bench.events(kind, "step").compactMap { $0["step"] as? Int })
        == Set(1...DrillGround.steps), "steps are missing", outcome)
    _ = try replay(ground, outcome, saying: "what was recorded came again")
    return DrillOutcome(
      did: "skipped 2 steps, went back to step 5 at a lower rate", seconds: outcome.seconds,
      kept: "\(DrillGround.steps) steps done, weights finite")
  }

  /// Runs the command that the log gives, as a user would.
  private static func replay(
    _ ground: DrillGround, _ outcome: SubprocessOutcome, saying text: String,
    status: ExitStatus? = nil
  ) throws -> String {
    let lines = (outcome.output + outcome.errors).split(separator: "\n")
    guard let line = lines.first(where: { $0.contains("; see it again with: disttrain replay ") }),
      let command = line.components(separatedBy: ": disttrain ").last
    else { throw DrillFailure(description: "no command to replay\n\(outcome)") }
    let replayed = try MPIRun.runAlone(
      product: "disttrain", arguments: command.split(separator: " ").map(String.init),
      folder: ground.bench.folder)
    try ground.require(
      replayed.status == status?.rawValue ?? 0 && replayed.output.contains(text),
      "the replay of \(command) did not show it", replayed)
    return text.hasPrefix("the fault") ? "replay says that it was transient" : "replay shows it"
  }
}
