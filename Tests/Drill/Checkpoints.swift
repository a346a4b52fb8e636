import Files
import Foundation
import Platform

/// Checkpoints that are cut short, damaged, or never finished.
enum Checkpoints {
  static let drills = [
    Drill("kill-in-checkpoint", "kill -9 in the middle of writing step 10", short: true) { ground in
      let killed = try ground.bench.train(
        ranks: 2, run: "in-checkpoint", ground.recipe,
        environment: ["DISTTRAIN_FAULT": "kill-in-checkpoint@step=10"])
      try ground.requireEnd(killed, status: 137, saying: [])
      return DrillOutcome(
        did: "ended with 137; resumed from step 5", seconds: killed.seconds,
        kept: try ground.resumeAndCompare("in-checkpoint", saying: "continued after step 5"))
    },
    Drill("bad-disk", "a bit that the disk gives back flipped") { ground in
      let outcome = try ground.bench.train(
        ranks: 2, run: "bad-disk", ground.recipe,
        environment: ["DISTTRAIN_FAULT": "damage-checkpoint@step=10"])
      try ground.requireEnd(
        outcome, status: ExitStatus.failure.rawValue,
        saying: ["could not be saved: what the disk gives back is not"])
      return DrillOutcome(
        did: "ended with 1, kept step 5; resumed", seconds: outcome.seconds,
        kept: try ground.resumeAndCompare("bad-disk", saying: "continued after step 5"))
    },
    Drill("truncate", "the newest checkpoint cut at 1/16, 2/16, … 15/16") {
      try damage($0, "truncate", cuts: Array(1...15))
    },
    Drill("truncate-half", "the newest checkpoint cut in the middle", short: true) {
      try damage($0, "truncate-half", cuts: [8])
    },
    Drill("flip-bits", "a bit of the newest checkpoint flipped, 8 places") {
      try damage($0, "flip-bits", flips: Array(0..<8))
    },
    Drill("full-disk", "a disk without space for step 10", short: true) { ground in
      try FullDisk.perform(ground)
    },
    Drill("hundred-steps", "kill -9 of a rank after step 37 of 100") { ground in
      let recipe = ground.recipe(checkpointEvery: 37)
      let killed = try ground.bench.train(
        ranks: 2, run: "hundred", recipe, until: "saved step 37 ",
        then: "kill -9 $(ranks | tail -n 1)")
      try ground.requireEnd(killed, status: 137, within: 10, saying: [])
      let seconds = try ground.bench.harmSeconds()
      return DrillOutcome(
        did: "ended with 137; resumed", seconds: seconds,
        kept: try ground.resumeAndCompare("hundred", recipe, steps: 100))
    },
    Drill("other-ranks", "kill -9, then resumed on 1 and on 4 ranks") { try otherRanks($0) },
  ]

  private static func damage(
    _ ground: DrillGround, _ name: String, cuts: [Int] = [], flips: [Int] = []
  ) throws -> DrillOutcome {
    let bench = ground.bench
    let made = try bench.train(
      ranks: 2, run: name, ground.recipe + ["--stop-after", "10"])
    try ground.requireEnd(made, status: 0, saying: [])
    let newest = "step-00000010.safetensors"
    let whole = try bench.data(name, newest)
    var damaged = cuts.map { whole.prefix(whole.count * $0 / 16) }
    for flip in flips {
      var copy = whole
      copy[copy.count * (2 * flip + 1) / (2 * flips.count)] ^= UInt8(1 << flip)
      damaged.append(copy)
    }
    var kept = ""
    var seconds = 0.0
    for (index, data) in damaged.enumerated() {
      let run = "\(name)-\(index)"
      try FileManager.default.copyItem(
        atPath: bench.folder.file(name), toPath: bench.folder.file(run))
      try Data(data).write(to: bench.folder.appending(path: "\(run)/\(newest)"))
      let stopwatch = Stopwatch()
      kept = try ground.resumeAndCompare(run, saying: "going on from step 5 ")
      seconds = max(seconds, stopwatch.seconds)
    }
    return DrillOutcome(
      did: "said so, went on from step 5 (\(damaged.count) of \(damaged.count))", seconds: seconds,
      kept: kept)
  }

  private static func otherRanks(_ ground: DrillGround) throws -> DrillOutcome {
    let bench = ground.bench
    func recipe(_ ranks: Int) -> [String] {
      ground.recipe(batch: 4 / ranks, checkpointEvery: 5)
    }
    let killed = try bench.train(
      ranks: 2, run: "ranks", recipe(2), until: "saved step 5 ",
      then: "kill -9 $(ranks | tail -n 1)")
    try ground.requireEnd(killed, status: 137, within: 10, saying: [])
    let seconds = try bench.harmSeconds()
    let reference = try ground.reference(recipe(2))
    let values = try SafetensorsFile(
      data: bench.data(reference, "last.safetensors"), path: reference)
    var worst: Float = 0
    for ranks in [1, 4] {
      let run = "ranks-\(ranks)"
      try FileManager.default.copyItem(
        atPath: bench.folder.file("ranks"), toPath: bench.folder.file(run))
      let resumed = try bench.train(
        ranks: ranks, run: run,
        recipe(ranks) + ["--resume", "--stop-after", "\(DrillGround.steps)"])
      try ground.requireEnd(resumed, status: 0, saying: [])
      let other = try SafetensorsFile(data: bench.data(run, "last.safetensors"), path: run)
      for entry in values.entries where !entry.name.hasPrefix("adam.") {
        guard let theirs = try other.tensors[entry.name]?.floats() else {
          throw DrillFailure(description: "\(entry.name) is missing on \(ranks) ranks")
        }
        let ours = try entry.floats()
        let scale = ours.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
        worst = zip(ours, theirs).reduce(worst) { max($0, abs($1.0 - $1.1) / scale) }
      }
    }
    try ground.require(worst <= 1e-5, "parameters differ by \(worst)")
    try ground.requireDiscriminator("ranks-4")
    return DrillOutcome(
      did: "ended with 137; resumed", seconds: seconds,
      kept: worst == 0 ? "parameters equal those of 2 ranks" : "parameters within \(worst)")
  }
}
