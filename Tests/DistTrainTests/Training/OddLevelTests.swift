import DistTrain
import Foundation
import RunTestSupport
import TestSupport
import Testing

/// Samples in the scale of 16-bit integers, which a run warns of.
@Suite(.serialized) struct OddLevelTests {
  /// A click beside near silence is no other scale, though the level of an utterance takes it far
  /// above 1.
  @Test(arguments: [(Float(1), false), (32_768, true)])
  func theScaleIsThatOfTheRecording(factor: Float, isOdd: Bool) throws {
    try NonFiniteRun.with(train: 4, epochs: 1, change: { $0.recipe.level = .utterance }) { run in
      for pair in run.pairs {
        for side in ["clean", "noisy"] {
          var samples = [Float](repeating: 1e-3 * factor, count: pair.sampleCount)
          for index in stride(from: 0, to: samples.count, by: 4000) { samples[index] = factor }
          let path = run.folder.file("corpus/train/\(side)/\(pair.name).wav")
          try floatFile(samples).write(to: URL(fileURLWithPath: path))
        }
      }
      #expect(try run.train().allSatisfy { $0.error == nil })
      let warnings = try run.log().filter { $0.contains("scale of 16-bit integers") }
      #expect(warnings.isEmpty == !isOdd, "\(warnings)")
      #expect(!isOdd || warnings.contains { $0.contains("reach 3.28e+04") || $0.contains("32768") })
    }
  }
}
