import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain plan` as a user runs it.
@Suite(.serialized) struct PlanCommandTests {
  private struct Plan: Decodable {
    struct Memory: Decodable {
      let rankBytes: Int
      let activations: Int
      let program: Int
      let utterancesSideBySide: Int
    }
    struct Corpus: Decodable {
      let trainingUtterances: Int
      let validationUtterances: Int
      let validationUtteranceSeconds: Double
    }
    let kind: String
    let ranks: Int
    let globalBatch: Int
    let stepsPerEpoch: Int
    let stepSeconds: Double
    let epochSeconds: Double
    let runSeconds: Double
    let jobs: Int
    let memory: Memory
    let corpus: Corpus
    let warnings: [String]
  }

  private struct Simulation: Decodable {
    struct Row: Decodable { let stepSeconds: Double }
    let rows: [Row]
  }

  private func decode<Value: Decodable>(_ path: String, as type: Value.Type) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// A folder with the tiny model.
  private func withModel(_ body: (URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      try tinyModel.write(toFile: folder.file("tiny.json"), atomically: true, encoding: .utf8)
      try body(folder)
    }
  }

  private let machines = ["plan", "--preset", "tiny.json", "--nodes", "2", "--ranks-per-node", "2"]

  @Test func aSmallCorpusIsPlannedAndTheCalibrationKept() throws {
    try withModel { folder in
      _ = try FixtureCorpus(in: folder, splits: ["train": 7, "valid": 3])
      let run = [
        "--data", "corpus", "--batch", "3", "--epochs", "4", "--seconds", "0.5", "--wall-time",
        "24:00:00", "--memory-per-node", "8",
      ]
      let outcome = try disttrain(
        machines + run + ["--json", "plan.json", "--save-calibration", "step.json"],
        folder: folder)
      #expect(outcome.status == 0, "\(outcome)")
      let plan = try decode(folder.file("plan.json"), as: Plan.self)
      #expect(plan.kind == "plan" && plan.ranks == 4 && plan.globalBatch == 12)
      #expect(plan.corpus.trainingUtterances == 7 && plan.corpus.validationUtterances == 3)
      // The fixtures have 2 to 4 s.
      #expect((1.5...4.5).contains(plan.corpus.validationUtteranceSeconds), "\(plan)")
      #expect(plan.stepsPerEpoch == 1 && plan.jobs == 1)
      #expect(plan.stepSeconds > 0 && isClose(plan.runSeconds, 4 * plan.epochSeconds))
      #expect(plan.memory.utterancesSideBySide == 3)
      #expect(plan.memory.program > 1_000_000 && plan.memory.activations > 100_000, "\(plan)")
      for text in [
        "7 training utterances", "the last with 7 utterances", "1 job of 24:00:00",
        "train with --warmup and --ema", "waiting for the slowest rank", "10gbe (30",
        "there are 3 validation utterances for 4 ranks",
      ] { #expect(outcome.output.contains(text), "no \(text): \(outcome)") }
      // A log that holds it is still read with grep.
      #expect(!outcome.output.contains("Epoch") && !outcome.output.contains("PESQ"))

      // The calibration that was kept gives the same plan, for a corpus that is elsewhere too.
      let again = try disttrain(
        machines + [
          "--utterances", "7", "--validation-count", "3", "--batch", "3", "--seconds", "0.5",
          "--memory-per-node", "8", "--calibration", "step.json", "--json", "again.json",
        ], folder: folder)
      #expect(again.status == 0 && again.errors == "", "\(again)")
      let second = try decode(folder.file("again.json"), as: Plan.self)
      #expect(isClose(second.stepSeconds, plan.stepSeconds), "\(second)")
      #expect(second.memory.rankBytes == plan.memory.rankBytes)

      // And bench simulate forecasts the same step.
      let simulated = try disttrain(
        [
          "bench", "simulate", "--calibration", "step.json", "--ranks", "4", "--ranks-per-node",
          "2",
          "--cores-per-node", "2", "--batch", "3", "--output", "out",
        ], folder: folder)
      #expect(simulated.status == 0, "\(simulated)")
      let rows = try decode(folder.file("out/simulation.json"), as: Simulation.self).rows
      #expect(rows.count == 1 && isClose(rows[0].stepSeconds, plan.stepSeconds), "\(rows)")
    }
  }

  @Test func whatCannotBePlannedIsOneError() throws {
    try withModel { folder in
      func plan(_ arguments: [String]) throws -> SubprocessOutcome {
        try disttrain(machines + arguments, folder: folder)
      }
      expectError(try plan(["--data", "nowhere"]), "nowhere", "no such corpus")
      let count = ["--utterances", "100"]
      expectError(
        try plan(count + ["--network", "token-ring"]), "--network token-ring is not known")
      expectError(
        try plan(count + ["--network", "shared"]), "--network shared is the inside of a host")
      expectError(try plan(count + ["--calibration", "missing.json"]), "missing.json")
      try "{}".write(toFile: folder.file("bad.json"), atomically: true, encoding: .utf8)
      expectError(
        try plan(count + ["--calibration", "bad.json"]), "bad.json is no result of this version's")
      expectError(try plan(count + ["--json", "nowhere/plan.json"]), "nowhere/plan.json")
      expectError(
        try plan(count + ["--save-calibration", "nowhere/step.json"]), "nowhere/step.json")

      let measured = try disttrain(
        [
          "bench", "step", "--preset", "tiny.json", "--batch", "1", "--seconds", "0.5", "--steps",
          "1", "--json", "step.json",
        ], folder: folder)
      #expect(measured.status == 0, "\(measured)")
      expectError(
        try plan(count + ["--calibration", "step.json"]),
        "step.json was measured with --seconds 0.5, and the plan has 2")
      expectError(
        try plan(
          count + ["--seconds", "0.5", "--calibration", "step.json", "--wall-time", "10s"]),
        "--wall-time is 0:00:10")
    }
  }
}
