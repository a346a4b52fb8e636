import ArgumentParser
import Foundation
import TestSupport

/// Harms real jobs in every way that is promised to be harmless, and prints what became of them.
@main
struct DrillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drill",
    abstract: "Kill, freeze, poison, cut and corrupt real training jobs, and see what they do.")

  @Flag(help: "Only the drills of the short form.")
  var short = false

  @Flag(help: "Print the names of the drills.")
  var list = false

  @Argument(help: "Names of drills; all if none is given.")
  var names: [String] = []

  static let drills =
    LostRanks.drills.alsoWithDiscriminator(["kill-rank-0"])
    + FrozenRanks.drills.alsoWithDiscriminator(["stop-rank-1"])
    + BadNumbers.drills.alsoWithDiscriminator(["poison-gradient", "poison-weight"])
    + BadNumbers.drillsOfDiscriminators
    + Checkpoints.drills.alsoWithDiscriminator(
      ["bad-disk", "flip-bits", "full-disk", "hundred-steps", "other-ranks"],
      short: ["kill-in-checkpoint", "truncate-half"])
    + StopsAndRestarts.drills.alsoWithDiscriminator(
      ["sigterm", "launch-restarts", "pending-validation"])
    + BadData.drills + DamagedInputs.drills

  func validate() throws {
    for name in names where !Self.drills.contains(where: { $0.name == name }) {
      throw ValidationError("there is no drill \"\(name)\"; see --list")
    }
  }

  func run() throws {
    let drills = Self.drills.filter {
      names.isEmpty ? !short || $0.isShort : names.contains($0.name)
    }
    if list {
      for drill in drills { say("\(drill.name): \(drill.injected)") }
      return
    }
    var table = DrillTable()
    try TrainingBench.use(train: 25, valid: 1) { bench in
      let ground = DrillGround(bench)
      let duel = try DrillGround(withDiscriminator: bench)
      for (index, drill) in drills.enumerated() {
        let verdict = Self.verdict(of: drill, on: drill.hasDiscriminator ? duel : ground)
        table.add(drill, verdict)
        say("\(index + 1)/\(drills.count) \(drill.name): \(verdict.line)")
      }
    }
    say("\n\(table.text)\n\n\(table.summary)")
    if table.failures > 0 { throw ExitCode.failure }
  }

  private static func verdict(of drill: Drill, on ground: DrillGround) -> DrillVerdict {
    do {
      return .passed(try drill.perform(ground))
    } catch let skipped as DrillSkipped {
      return .skipped(skipped.description)
    } catch {
      return .failed("\(error)")
    }
  }

  private func say(_ text: String) {
    FileHandle.standardOutput.write(Data("\(text)\n".utf8))
  }
}
