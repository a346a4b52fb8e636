import DistTrain
import Foundation
import Tensor
import Testing
import TestSupport

/// Keys that the tests read in the file of `bench step`; a missing key is an error.
struct StepResult: Decodable {
  struct Part: Decodable {
    let part: String
    let pass: String
    let seconds: Double
    let calls: Int
    let gflops: Double?
    let gigaoperationsPerSecond: Double?
    let gigabytesPerSecond: Double?
    let boundBy: String?
    let boundSeconds: Double?
    let fractionOfBound: Double?
  }

  struct Machine: Decodable {
    let processor: String
    let cores: Int
    let instructionSet: String
    let matrixProduct: String
    let openBLASCore: String
    let warnings: [String]
  }

  let kind: String
  let label: String?
  let version: String
  let date: String
  let machine: Machine
  let preset: String
  let batch: Int
  let seconds: Double
  let threads: Int
  let ranks: Int
  let steps: Int
  let recompute: Bool
  let stepSeconds: Double
  let stepSecondsMinimum: Double
  let stepSecondsMaximum: Double
  let audioSecondsPerSecond: Double
  let usefulGemmGflop: Double
  let fmaPeakGflops: Double
  let fmaPeakGflopsMinimum: Double
  let fmaPeakGflopsMaximum: Double
  let fractionOfPeak: Double
  let peakResidentBytes: Int
  let residentBytesBeforeSteps: Int
  let instrumentedStepSeconds: Double
  let partsSeconds: Double
  let parts: [Part]
}

/// Runs `disttrain bench` with a result file in `folder`, and reads that.
func bench<Result: Decodable>(
  _ arguments: [String], as type: Result.Type = Result.self, in folder: URL,
  environment: [String: String] = [:], ranks: Int? = nil
) throws -> (result: Result, outcome: SubprocessOutcome) {
  let path = folder.file("result.json")
  let arguments = ["bench"] + arguments + ["--json", path]
  let outcome =
    if let ranks {
      try MPIRun.run(
        ranks: ranks, product: "disttrain", arguments: arguments, environment: environment)
    } else {
      try disttrain(arguments, environment: environment)
    }
  #expect(outcome.status == 0, "\(outcome)")
  let data = try Data(contentsOf: URL(fileURLWithPath: path))
  return (try JSONDecoder().decode(type, from: data), outcome)
}

/// A step of the tiny model, short enough for a test.
let tinyStep = [
  "step", "--preset", EnhanceFixture.preset, "--batch", "2", "--seconds", "0.25", "--steps", "3",
]

/// Whether two numbers agree but for rounding.
func isClose(_ first: Double, _ second: Double) -> Bool {
  abs(first - second) <= 1e-9 * max(abs(first), abs(second))
}
