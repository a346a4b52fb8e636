import Foundation
import Platform
import TestSupport

/// Data that cannot be read, and data that is not enough for all ranks.
enum BadData {
  static let drills = [
    Drill("truncate-recordings", "recordings that are cut short while they are used") { ground in
      var ground = ground
      let bench = ground.bench
      let copy = bench.folder.file("damaged")
      try FileManager.default.copyItem(atPath: bench.data, toPath: copy)
      ground.bench.data = copy
      let outcome = try ground.bench.train(
        ranks: 2, run: "recordings", ground.recipe, until: "saved step 5 ",
        then: "for file in damaged/train/noisy/*.wav; do truncate -s 1000 $file; done")
      try ground.requireEnd(
        outcome, status: ExitStatus.failure.rawValue, within: 10,
        saying: ["a training file cannot be used"])
      let seconds = try ground.bench.harmSeconds()
      ground.bench.data = bench.data
      return DrillOutcome(
        did: "ended with 1, names the file; restored, resumed", seconds: seconds,
        kept: try ground.resumeAndCompare("recordings"))
    },
    Drill("damage-pack", "a bit of a packed corpus flipped", short: true) { ground in
      try damagePack(ground)
    },
    Drill("uneven-shards", "25 utterances for 4 ranks of batch 6", short: true) { ground in
      let recipe = ["--epochs", "3", "--batch", "6"]
      let outcome = try ground.bench.train(ranks: 4, run: "uneven", recipe)
      try ground.requireEnd(outcome, status: 0, saying: ["Epoch 3 "])
      let steps = try ground.bench.events("uneven", "step").count
      try ground.require(steps == 6, "\(steps) steps, not 6", outcome)
      let alone = ["--epochs", "3", "--batch", "24"]
      _ = try ground.bench.train(ranks: 1, run: "uneven-alone", alone)
      func losses(_ run: String) throws -> [Double] {
        try ground.bench.events(run, "step").compactMap { $0["loss"] as? Double }
      }
      let pairs = zip(try losses("uneven"), try losses("uneven-alone"))
      let worst = pairs.reduce(0) { max($0, abs($1.0 - $1.1) / abs($1.1)) }
      try ground.require(worst < 1e-5, "losses differ by \(worst) from one rank's")
      return DrillOutcome(
        did: "finished; three ranks had no data in every second step", seconds: outcome.seconds,
        kept: "6 losses as on one rank of batch 24")
    },
  ]

  private static func damagePack(_ ground: DrillGround) throws -> DrillOutcome {
    var ground = ground
    let bench = ground.bench
    let pack = bench.folder.file("corpus.pack")
    let packed = try MPIRun.runAlone(
      product: "disttrain",
      arguments: ["prepare", "pack", "--input", bench.data, "--output", pack])
    try ground.require(packed.status == 0, "packing failed", packed)
    let whole = try Data(contentsOf: URL(fileURLWithPath: pack))
    ground.bench.data = pack
    let made = try ground.bench.train(
      ranks: 2, run: "pack", ground.recipe + ["--stop-after", "5"])
    try ground.require(made.status == 0, "training from the pack failed", made)
    var damaged = whole
    // Every 4 KB: some utterance of the next steps is hit, whichever comes first.
    for place in stride(from: whole.count / 3, to: whole.count, by: 4096) { damaged[place] ^= 4 }
    try damaged.write(to: URL(fileURLWithPath: pack))
    let outcome = try ground.bench.train(
      ranks: 2, run: "pack", ground.recipe + ["--resume"])
    try ground.requireEnd(outcome, status: ExitStatus.failure.rawValue, saying: ["error:"])
    let named = (0..<25).contains {
      (outcome.output + outcome.errors).contains(String(format: "u%03d", $0))
    }
    try ground.require(named, "no utterance is named", outcome)
    try whole.write(to: URL(fileURLWithPath: pack))
    return DrillOutcome(
      did: "ended with 1, names the utterance; restored, resumed", seconds: outcome.seconds,
      kept: try ground.resumeAndCompare("pack"))
  }
}
