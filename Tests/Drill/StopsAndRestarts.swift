import Foundation
import Platform

/// Runs that are asked to stop, and runs that are started again.
enum StopsAndRestarts {
  static let drills = [
    Drill("sigterm", "SIGTERM to the ranks", short: true) {
      try signal($0, "sigterm", "kill -TERM $(ranks)", "SIGTERM")
    },
    Drill("sigusr1", "SIGUSR1 to rank 1 alone") {
      try signal($0, "sigusr1", "kill -USR1 $(ranks | tail -n 1)", "a signal to another rank")
    },
    Drill("wall-time", "the end of the time draws near") { ground in
      let outcome = try ground.bench.train(
        ranks: 2, run: "wall-time",
        [
          "--epochs", "20000", "--batch", "1", "--schedule", "constant", "--wall-time", "60s",
          "--wall-margin", "57s",
        ])
      try ground.requireEnd(
        outcome, status: ExitStatus.saved.rawValue, saying: ["before the end of the time"])
      let step = try ground.bench.events("wall-time", "stop").last?["step"] as? Int
      let saved = try ground.bench.events("wall-time", "checkpoint").last?["step"] as? Int
      try ground.require(step != nil && step == saved, "the last step is not saved", outcome)
      return DrillOutcome(
        did: "saved step \(step ?? 0), ended with 75", seconds: outcome.seconds,
        kept: "the last step is in the checkpoint")
    },
    Drill("launch-restarts", "kill -9 of rank 1 under launch", short: true) { ground in
      let bench = ground.bench
      let outcome = try bench.train(
        ranks: 2, run: "launched", ground.recipe + ["--stop-after", "\(DrillGround.steps)"],
        launch: restarts, until: "saved step 5 ", then: "kill -9 $(launched ranks | tail -n 1)")
      try ground.requireEnd(outcome, status: 0, saying: ["continued after step"])
      return DrillOutcome(
        did: "started again by itself, went on", seconds: try bench.harmSeconds(),
        kept: try ground.compare("launched"))
    },
    Drill("launch-crash-loop", "the same crash at every start") { ground in
      let bench = ground.bench
      let outcome = try bench.train(
        ranks: 2, run: "crashes", ground.recipe, launch: restarts,
        environment: ["DISTTRAIN_FAULT": "kill-in-checkpoint@step=10"])
      try ground.requireEnd(outcome, status: 137, saying: [])
      return DrillOutcome(
        did: "gave up with the reasons of each start; resumed by hand", seconds: outcome.seconds,
        kept: try ground.resumeAndCompare("crashes"))
    },
    Drill("pending-validation", "kill -9 while a validation is under way beside training") {
      ground in
      let recipe = ground.recipe + ["--validate-async"]
      let killed = try ground.bench.train(
        ranks: 2, run: "pending", recipe, until: "saved step 13 ",
        then: "kill -9 $(ranks | head -n 1)")
      try ground.requireEnd(killed, status: 137, within: 10, saying: [])
      let seconds = try ground.bench.harmSeconds()
      return DrillOutcome(
        did: "ended with 137; resumed, validated again", seconds: seconds,
        kept: try ground.resumeAndCompare("pending", recipe))
    },
  ]

  private static let restarts = ["--restart-delay", "0"]

  private static func signal(
    _ ground: DrillGround, _ run: String, _ harm: String, _ name: String
  ) throws -> DrillOutcome {
    let stopped = try ground.bench.train(
      ranks: 2, run: run, ground.recipe, until: "saved step 5 ", then: harm)
    try ground.requireEnd(
      stopped, status: ExitStatus.saved.rawValue, within: 10,
      saying: ["by \(name); saved, and"])
    let seconds = try ground.bench.harmSeconds()
    return DrillOutcome(
      did: "step ended, saved, ended with 75; resumed", seconds: seconds,
      kept: try ground.resumeAndCompare(run))
  }
}
