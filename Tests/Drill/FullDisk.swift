import Foundation
import TestSupport

/// A run folder on a small disk of its own that fills up.
enum FullDisk {
  static func perform(_ ground: DrillGround) throws -> DrillOutcome {
    let bench = ground.bench
    try bench.folder.makeFolder("small")
    let script = """
      mount -t tmpfs -o size=\(ground.hasDiscriminator ? 24 : 4)m tmpfs small || exit 89
      "$@" --stop-after 5 >log 2>&1 || exit 90
      dd if=/dev/zero of=small/filler bs=4k 2>/dev/null
      date +%s%N >harmed
      "$@" --stop-after \(DrillGround.steps) --resume 2>&1
      echo "status $?"
      date +%s%N >ended
      ls small/*tmp* small/step-00000010.safetensors 2>/dev/null && exit 91
      rm small/filler
      "$@" --stop-after \(DrillGround.steps) --resume >>log 2>&1 || exit 92
      cp -a small full-disk
      """
    let outcome = try Subprocess.run(
      "/usr/bin/env",
      ["unshare", "-m", "/bin/sh", "-c", script, "sh"]
        + bench.words(ranks: 2, run: "small", ground.recipe),
      environment: MPIRun.launchEnvironment(), folder: bench.folder, timeLimit: 120)
    if outcome.status == 89 || outcome.errors.contains("unshare") {
      throw DrillSkipped(description: "a disk of its own cannot be mounted here")
    }
    try ground.requireEnd(
      outcome, status: 0,
      saying: ["step-00000010.safetensors could not be written", "error:", "status 1\n"])
    return DrillOutcome(
      did: "ended with 1, step 5 kept; space made, resumed", seconds: try bench.harmSeconds(),
      kept: try ground.compare("full-disk"))
  }
}
