import Foundation
import Testing
import TestSupport

/// Keys that the tests read in the file of `bench step`; a missing key is an error.
package struct StepResult: Decodable {
  package struct Part: Decodable {
    package let part: String
    package let pass: String
    package let seconds: Double
    package let calls: Int
    package let gflops: Double?
    package let gigaoperationsPerSecond: Double?
    package let gigabytesPerSecond: Double?
    package let boundBy: String?
    package let boundSeconds: Double?
    package let fractionOfBound: Double?
  }

  package struct Machine: Decodable {
    package let processor: String
    package let cores: Int
    package let instructionSet: String
    package let matrixProduct: String
    package let openBLASCore: String
    package let warnings: [String]
  }

  package let kind: String
  package let label: String?
  package let version: String
  package let date: String
  package let machine: Machine
  package let preset: String
  package let batch: Int
  package let seconds: Double
  package let threads: Int
  package let ranks: Int
  package let steps: Int
  package let recompute: Bool
  package let stepSeconds: Double
  package let stepSecondsMinimum: Double
  package let stepSecondsMaximum: Double
  package let audioSecondsPerSecond: Double
  package let usefulGemmGflop: Double
  package let fmaPeakGflops: Double
  package let fmaPeakGflopsMinimum: Double
  package let fmaPeakGflopsMaximum: Double
  package let fractionOfPeak: Double
  package let peakResidentBytes: Int
  package let residentBytesBeforeSteps: Int
  package let instrumentedStepSeconds: Double
  package let partsSeconds: Double
  package let parts: [Part]
}

/// Runs `disttrain bench` with a result file in `folder`, and reads that.
package func bench<Result: Decodable>(
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
package let tinyStep = [
  "step", "--preset", EnhanceFixture.preset, "--batch", "2", "--seconds", "0.25", "--steps", "3",
]

/// Whether two numbers agree but for rounding.
package func isClose(_ first: Double, _ second: Double) -> Bool {
  abs(first - second) <= 1e-9 * max(abs(first), abs(second))
}
