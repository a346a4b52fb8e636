import DistTrain
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Memory of a training step, measured from outside the process.
@Suite(.serialized) struct BenchMemoryTests {
  private func activationBytes(_ arguments: [String], in folder: URL) throws -> Int {
    let (step, _) = try bench(
      ["step", "--preset", "abl1", "--steps", "1", "--warmup-steps", "0"] + arguments,
      as: StepResult.self, in: folder)
    return step.peakResidentBytes - step.residentBytesBeforeSteps
  }

  /// Utterances go one by one, so a larger batch takes no more memory.
  @Test func doesNotGrowWithTheBatch() throws {
    try withTemporaryFolder { folder in
      let small = try activationBytes(["--seconds", "1", "--batch", "2"], in: folder)
      let large = try activationBytes(["--seconds", "1", "--batch", "6"], in: folder)
      #expect(small > 50_000_000)
      #expect(Double(large) < 1.1 * Double(small), "\(small) bytes of 2, \(large) of 6")
    }
  }

  @Test func recomputationTakesAThird() throws {
    try withTemporaryFolder { folder in
      let arguments = ["--seconds", "4", "--batch", "1"]
      let kept = try activationBytes(arguments, in: folder)
      let recomputed = try activationBytes(arguments + ["--recompute"], in: folder)
      #expect(3 * recomputed < kept, "\(recomputed) bytes against \(kept)")
    }
  }
}
