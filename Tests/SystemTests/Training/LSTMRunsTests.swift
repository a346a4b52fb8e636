import Audio
import Files
import Foundation
import ProgramTestSupport
import Tensor
import Testing
import TestSupport

/// A model with LSTMs in all that is done with a model: real processes, as users run them.
@Suite(.serialized) struct LSTMRunsTests {
  private func use(_ body: (TrainingBench) throws -> Void) throws {
    try TrainingBench.use(train: 12, model: tinyLSTMModel, body)
  }

  @Test func ranksTimesBatchFollowsOneBigBatch() throws {
    try use { bench in
      for ranks in [1, 2, 3, 4] {
        let outcome = try bench.train(
          ranks: ranks, run: "on\(ranks)", ["--epochs", "20", "--batch", "\(12 / ranks)"])
        #expect(outcome.status == 0, "\(ranks) ranks: \(outcome)")
      }
      let reference = try SafetensorsFile(data: bench.data("on1", "last.safetensors"), path: "1")
      for ranks in [1, 2, 3, 4] {
        let other = try SafetensorsFile(
          data: bench.data("on\(ranks)", "last.safetensors"), path: "\(ranks)")
        #expect(other.metadata["adam.step"] == "20")
        for entry in reference.entries where !entry.name.hasPrefix("adam.") {
          let values = try #require(other.tensors[entry.name]).floats()
          expectClose(values, try entry.floats(), 1e-5, "\(entry.name) on \(ranks) ranks")
        }
      }
    }
  }

  @Test func killedRunsGoOnBitForBit() throws {
    try use { bench in
      let recipe = ["--epochs", "4", "--batch", "2"]
      let whole = try bench.train(run: "a", recipe)
      #expect(whole.status == 0, "\(whole)")
      let killed = try bench.train(
        run: "b", recipe + ["--checkpoint-every", "7"], until: "saved step 7 ", then: "kill -9 $job"
      )
      #expect(killed.status == 137, "\(killed)")
      let resumed = try bench.train(run: "b", recipe + ["--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      try bench.expectEqual("a", "b")
    }
  }

  @Test func threadsAndRecomputationChangeNoBit() throws {
    try use { bench in
      let recipe = ["--epochs", "1", "--batch", "3"]
      for (run, options) in [
        ("plain", []), ("threads", ["--threads", "3"]), ("recompute", ["--recompute"]),
      ] {
        let outcome = try bench.train(run: run, recipe + options)
        #expect(outcome.status == 0, "\(run): \(outcome)")
      }
      try bench.expectEqual("plain", "threads")
      let plain = try bench.data("plain", "last.safetensors")
      #expect(try bench.data("recompute", "last.safetensors") == plain)
    }
  }

  @Test func enhancesAlsoInSegments() throws {
    try use { bench in
      let trained = try bench.train(run: "run", ["--epochs", "10", "--batch", "3"])
      #expect(trained.status == 0, "\(trained)")
      let noisy = try EnhanceFixture.conversation(rounds: 3).noisy
      try WaveFile.write(
        noisy, sampleRate: 16_000, to: bench.folder.file("in.wav"), encoding: .float32)
      for (output, options) in [("whole.wav", ["--whole"]), ("parts.wav", ["--segment", "20"])] {
        let outcome = try disttrain(
          ["enhance", "--weights", "run/best.safetensors", "--format", "float"] + options
            + ["in.wav", output], folder: bench.folder)
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      }
      let whole = try WaveFile.read(path: bench.folder.file("whole.wav")).samples
      let parts = try WaveFile.read(path: bench.folder.file("parts.wav")).samples
      #expect(whole.count == noisy.count && parts.count == noisy.count)
      func energy(_ x: [Float]) -> Double { x.reduce(0) { $0 + Double($1) * Double($1) } }
      let difference = energy(zip(whole, parts).map { $0 - $1 })
      // Another piece, other statistics: not the same, but hardly told from it.
      #expect(difference > 0 && difference < 3e-3 * energy(whole), "\(difference / energy(whole))")
      #expect(energy(zip(whole, noisy).map { $0 - $1 }) > 1e-3 * energy(noisy))
    }
  }

  @Test func isPlannedAndMeasured() throws {
    try use { bench in
      let plan = try disttrain(
        [
          "plan", "--preset", "tiny.json", "--nodes", "2", "--ranks-per-node", "2", "--data",
          bench.data, "--batch", "3", "--epochs", "4", "--seconds", "0.5", "--wall-time",
          "24:00:00", "--memory-per-node", "8",
        ], folder: bench.folder)
      #expect(plan.status == 0 && plan.output.contains("activations"), "\(plan)")
      let step = try disttrain(
        [
          "bench", "step", "--preset", bench.folder.file("tiny.json"), "--batch", "2", "--seconds",
          "0.25", "--steps", "1", "--recompute",
        ], folder: bench.folder)
      #expect(step.status == 0, "\(step)")
      let passes = step.output.split(separator: "\n").filter { $0.hasPrefix("LSTM steps ") }
        .map { $0.split(separator: " ")[2] }
      #expect(passes == ["forward", "backward", "recompute"], "\(step)")
      let kernels = try disttrain(
        ["bench", "kernels", "--preset", bench.folder.file("tiny.json"), "--seconds", "0.25"],
        folder: bench.folder)
      #expect(kernels.status == 0 && kernels.output.contains("LSTM step"), "\(kernels)")
    }
  }
}
