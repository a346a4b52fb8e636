import Audio
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Complete runs whose result is none.
@Suite(.serialized) struct RunResultTests {
  private let recipe = ["--epochs", "2", "--batch", "4", "--warmup", "0"]

  /// Also where the epochs are chosen by the loss, which silence has.
  @Test(arguments: ["pesq_wb", "loss"])
  func withoutAnyScoreTheLastWeightsAreTheWayOut(rule: String) throws {
    try TrainingBench.use { bench in
      // Silence has no scores.
      let silence = [Float](repeating: 0, count: 16_000)
      for side in ["clean", "noisy"] {
        try WaveFile.write(
          silence, sampleRate: 16_000, to: bench.folder.file("corpus/valid/\(side)/u000.wav"))
      }
      let outcome = try bench.train(ranks: 2, run: "r", recipe + ["--best-by", rule])
      #expect(outcome.status == 1, "\(outcome)")
      let last = bench.folder.file("r/last.safetensors")
      #expect(occurrences(of: "no validation utterance could be scored", in: outcome.errors) == 1)
      #expect(outcome.errors.contains("--weights \(last)"), "\(outcome)")
      #expect(try !bench.folder.names(in: "r").contains("best.safetensors"))
      // The advice works, for both commands; the run has averaged weights.
      let output = bench.folder.file("out.wav")
      let input = bench.folder.file("corpus/train/noisy/u000.wav")
      let enhanced = try disttrain(["enhance", "--weights", last, input, output])
      #expect(enhanced.status == 0 && enhanced.errors.contains("averaged weights"), "\(enhanced)")
      #expect(FileManager.default.fileExists(atPath: output))
      let evaluated = try disttrain(
        ranks: 2, ["evaluate", "--weights", last, "--data", bench.data, "--split", "train"])
      #expect(evaluated.status == 0, "\(evaluated)")
      #expect(occurrences(of: "is a checkpoint", in: evaluated.errors) == 1, "\(evaluated)")
    }
  }

  /// A weight that is NaN from some step on: all later steps are skipped.
  @Test(arguments: [(4, 1), (6, 0)]) func aRunThatEndsInSkippedStepsHasFailed(
    first: Int, status: Int32
  ) throws {
    try TrainingBench.use { bench in
      let fault = status == 1 ? "poison-weight" : "poison-gradient"
      let outcome = try bench.train(
        run: "r", ["--epochs", "2", "--batch", "8", "--warmup", "0"],
        environment: ["DISTTRAIN_FAULT": "\(fault)@step=\(first)"])
      #expect(outcome.status == status, "\(outcome)")
      #expect(outcome.output.contains("skipped"), "\(outcome)")
      let text = "at its end 3 steps in a row were skipped"
      #expect(outcome.errors.contains(text) == (status == 1), "\(outcome)")
    }
  }
}
