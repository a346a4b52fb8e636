import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain bench allreduce`, `bench step` and `bench scaling` with real ranks: what they report,
/// not how fast it is.
@Suite(.serialized) struct ScalingRunsTests {
  private struct AllReduce: Decodable {
    struct Row: Decodable {
      let algorithm: String
      let bytes: Int
      let averageSeconds: Double
      let minimumSeconds: Double
      let maximumSeconds: Double
      let iterations: Int
      let busBytesPerSecond: Double
    }
    let kind: String
    let ranks: Int
    let hosts: Int
    let ranksPerHost: Int
    let wire: String
    let alphaSeconds: Double
    let bytesPerSecond: Double
    let processorSecondsPerByte: Double
    let rows: [Row]
  }

  @Test(arguments: [(2, "float64", 8), (3, "bf16", 2)])
  func allReducesBySize(ranks: Int, wire: String, elementBytes: Int) throws {
    try withTemporaryFolder { folder in
      let (result, outcome) = try bench(
        [
          "allreduce", "--wire", wire, "--min-bytes", "4", "--max-bytes", "64K", "--bucket-mb",
          "0.03", "--iterations", "3", "--csv", folder.file("rows.csv"),
        ], as: AllReduce.self, in: folder, ranks: ranks)
      #expect(result.kind == "allreduce" && result.ranks == ranks && result.wire == wire)
      #expect(result.hosts == 1 && result.ranksPerHost == ranks)
      for (algorithm, smallest) in [("exchange", max(4, elementBytes)), ("allreduce", 8)] {
        let rows = result.rows.filter { $0.algorithm == algorithm }
        let sizes = rows.map(\.bytes)
        let expected = (0..<20).map { smallest << $0 }.filter { $0 <= 65_536 }
        #expect(sizes == expected, "\(algorithm): \(sizes)")
        for row in rows {
          #expect(
            row.minimumSeconds > 0 && row.minimumSeconds <= row.averageSeconds
              && row.averageSeconds <= row.maximumSeconds && row.iterations == 3, "\(row)")
          let share = 2 * Double(ranks - 1) / Double(ranks)
          #expect(
            isClose(row.busBytesPerSecond, Double(row.bytes) / row.averageSeconds * share),
            "\(row)")
        }
      }
      #expect(
        result.alphaSeconds >= 0 && result.bytesPerSecond > 0 && result.processorSecondsPerByte >= 0
      )
      for text in ["bytes", "avg µs", "min µs", "max µs", "iterations", "bus GB/s", "fit of the"] {
        #expect(outcome.output.contains(text), "\(text) in \(outcome)")
      }
      let csv = try String(contentsOfFile: folder.file("rows.csv"), encoding: .utf8)
      #expect(csv.split(separator: "\n").count == 1 + result.rows.count, "\(csv)")

      // A forecast takes the measurement as its network.
      let network = folder.file("result.json")
      let forecast = try disttrain([
        "bench", "simulate", "--preset", EnhanceFixture.preset, "--network", network, "--ranks",
        "1,2",
      ])
      #expect(forecast.status == 0 && forecast.output.contains("network result ("), "\(forecast)")
    }
  }

  @Test func oneRankHasNothingToReduce() throws {
    expectError(try disttrain(["bench", "allreduce"]), "mpirun -np 2")
  }

  private struct Scaling: Decodable {
    struct Row: Decodable {
      let ranks: Int
      let batch: Int
      let stepSeconds: Double
      let forwardSeconds: Double
      let backwardSeconds: Double
      let exposedSeconds: Double
      let optimizerSeconds: Double
      let jitter: Double?
    }
    let mode: String
    let rows: [Row]
  }

  @Test(arguments: ["--weak", "--strong"]) func stepsOnOneAndTwoRanks(mode: String) throws {
    try withTemporaryFolder { folder in
      let out = folder.file("out")
      let outcome = try disttrain(
        [
          "bench", "scaling", "--ranks", "1,2", mode, "--preset", EnhanceFixture.preset, "--batch",
          "2", "--seconds", "0.25", "--steps", "2", "--mpirun-arg", "--oversubscribe",
          "--mpirun-arg", "--bind-to", "--mpirun-arg", "none", "--output", out,
        ], environment: MPIRun.launchEnvironment())
      #expect(outcome.status == 0, "\(outcome)")
      let data = try Data(contentsOf: folder.appending(path: "out/scaling.json"))
      let table = try JSONDecoder().decode(Scaling.self, from: data)
      #expect("--\(table.mode)" == mode && table.rows.map(\.ranks) == [1, 2])
      #expect(table.rows.map(\.batch) == (mode == "--weak" ? [2, 2] : [2, 1]))
      for row in table.rows {
        let parts = [row.forwardSeconds, row.backwardSeconds, row.optimizerSeconds]
        #expect(parts.allSatisfy { $0 > 0 } && row.exposedSeconds >= 0, "\(row)")
        #expect((row.jitter ?? -1) >= 0, "\(row)")
      }
      // One rank's parts are its step: medians of two steps are their means.
      let one = table.rows[0]
      let sum =
        one.forwardSeconds + one.backwardSeconds + one.exposedSeconds + one.optimizerSeconds
      #expect(abs(sum / one.stepSeconds - 1) < 0.05, "\(one)")
      for name in ["scaling.csv", "scaling.svg", "step-1-ranks.json", "step-2-ranks.json"] {
        #expect(FileManager.default.fileExists(atPath: folder.file("out/\(name)")), "\(name)")
      }
      // The files that are kept give the same table again.
      let again = try disttrain([
        "bench", "scaling", "--from", folder.file("out/step-1-ranks.json"),
        folder.file("out/step-2-ranks.json"),
      ])
      let rows = again.output.split(separator: "\n").filter { $0.contains("%") }
      #expect(rows.count >= 2 && rows.allSatisfy { outcome.output.contains($0) }, "\(again)")
    }
  }

  @Test func ranksThatFailEndIt() throws {
    let outcome = try disttrain(
      [
        "bench", "scaling", "--ranks", "1", "--preset", EnhanceFixture.preset, "--mpirun-arg",
        "--no-such-option",
      ], environment: MPIRun.launchEnvironment())
    #expect(outcome.status == 1, "\(outcome)")
    #expect(
      outcome.errors.contains("disttrain: error: the measurement on 1 rank ended with status"),
      "\(outcome)")
  }

  @Test func twoRanksTakeTheStepsTogether() throws {
    try withTemporaryFolder { folder in
      let (step, outcome) = try bench(tinyStep, as: StepResult.self, in: folder, ranks: 2)
      #expect(step.ranks == 2 && step.batch == 2)
      try step.expectConsistent(ranks: 2)
      #expect(
        outcome.output.components(separatedBy: "tiny: batch 2 x 0.25 s a rank, 2 ranks").count == 2,
        "\(outcome)")
      #expect(outcome.output.contains("trained a second, by all ranks"), "\(outcome)")
    }
  }
}
