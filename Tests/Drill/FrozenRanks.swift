import Foundation
import Platform
import TestSupport

/// Ranks that live and do not come.
enum FrozenRanks {
  static let drills = [
    Drill("stop-rank-1", "SIGSTOP of rank 1", short: true) {
      try stop($0, "stop-rank-1", "kill -STOP $(ranks | tail -n 1)", missing: 1)
    },
    Drill("stop-rank-0", "SIGSTOP of rank 0") {
      try stop($0, "stop-rank-0", "kill -STOP $(ranks | head -n 1)", missing: 0)
    },
    Drill("loop-in-loader", "an endless loop in rank 1's loader", short: true) { ground in
      let outcome = try ground.bench.train(
        ranks: 2, run: "loop", ground.recipe + timeout,
        environment: ["DISTTRAIN_FAULT": "loop-in-loader@step=7,rank=1"])
      return try ended(ground, outcome, "loop", missing: 1, seconds: outcome.seconds)
    },
    Drill("cut-network", "the network of the second host cut") { ground in
      try CutNetwork.perform(ground)
    },
  ]

  static let timeout = ["--timeout", "3s"]

  private static func stop(
    _ ground: DrillGround, _ run: String, _ harm: String, missing: Int
  ) throws -> DrillOutcome {
    let outcome = try ground.bench.train(
      ranks: 2, run: run, ground.recipe + timeout, until: "saved step 5 ", then: harm)
    return try ended(
      ground, outcome, run, missing: missing, seconds: try ground.bench.harmSeconds())
  }

  private static func ended(
    _ ground: DrillGround, _ outcome: SubprocessOutcome, _ run: String, missing: Int,
    seconds: Double
  ) throws -> DrillOutcome {
    try ground.requireEnd(
      outcome, status: ExitStatus.rankLost.rawValue,
      saying: ["error: rank \(missing) has not arrived; the others have waited", "error: "])
    // The deadline, and some seconds to notice and to end.
    try ground.require(seconds <= 20, "it took \(seconds) s", outcome)
    return DrillOutcome(
      did: "ended with \(outcome.status), names rank \(missing); resumed", seconds: seconds,
      kept: try ground.resumeAndCompare(run))
  }
}
