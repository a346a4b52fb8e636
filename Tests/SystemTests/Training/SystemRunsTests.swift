import Audio
import Files
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// The trunks that the other tests of training and its commands do not have, as users run them.
@Suite(.serialized) struct SystemRunsTests {
  static let kinds = tinySystems.keys.sorted()

  /// Names of a trunk's own part of a step and of its own kernel in tables of `bench`.
  private static let measurements = [
    "lstm": (part: "LSTM steps ", kernel: "LSTM step"),
    "unimamba": (part: "scan + gate ", kernel: "scan + gate"),
  ]

  private func use(_ kind: String, _ body: (TrainingBench) throws -> Void) throws {
    try TrainingBench.use(train: 12, model: try #require(tinySystems[kind]), body)
  }

  @Test(arguments: kinds) func resumedIsUninterrupted(kind: String) throws {
    try use(kind) { bench in
      let recipe = ["--epochs", "3", "--batch", "2"]
      let whole = try bench.train(ranks: 2, run: "a", recipe)
      #expect(whole.status == 0 && whole.output.contains("Epoch 3 PESQ "), "\(whole)")
      let first = try bench.train(ranks: 2, run: "b", recipe + ["--stop-after", "4"])
      #expect(first.status == 0 && !first.output.contains("Epoch 2 "), "\(first)")
      let resumed = try bench.train(ranks: 2, run: "b", recipe + ["--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      try bench.expectEqual("a", "b")
    }
  }

  @Test(arguments: kinds) func ranksTimesBatchIsOneBigBatch(kind: String) throws {
    try use(kind) { bench in
      let recipe = ["--epochs", "3"]
      for (ranks, batch) in [(1, "4"), (2, "2"), (4, "1")] {
        let outcome = try bench.train(
          ranks: ranks, run: "\(ranks)", recipe + ["--batch", batch])
        #expect(outcome.status == 0, "\(ranks) ranks: \(outcome)")
      }
      func weights(_ run: String) throws -> SafetensorsFile {
        try SafetensorsFile(contentsOf: bench.folder.appending(path: "\(run)/last.safetensors"))
      }
      let one = try weights("1")
      #expect(one.metadata["adam.step"] == "9")
      for run in ["2", "4"] {
        let other = try weights(run)
        for entry in one.entries where !entry.name.hasPrefix("adam.") {
          expectClose(
            try #require(other.tensors[entry.name]).floats(), try entry.floats(), 1e-5,
            "\(entry.name) on \(run) ranks")
        }
      }
    }
  }

  /// Commands about a model before and after its training.
  @Test(arguments: kinds) func everyCommandKnowsIt(kind: String) throws {
    try use(kind) { bench in
      func run(_ arguments: [String]) throws -> String {
        let outcome = try disttrain(arguments, folder: bench.folder)
        #expect(outcome.status == 0 && !outcome.errors.contains("error:"), "\(outcome)")
        return outcome.output
      }
      let preset = ["--preset", "tiny.json"]
      #expect(try run(["check"] + preset).contains("ALL TESTS PASSED FOR Tiny"))
      #expect(try run(["describe"] + preset).contains("(band_split): BandSplit("))
      let plan = ["plan"] + preset + ["--utterances", "40", "--batch", "2", "--nodes", "2"]
      #expect(try run(plan + ["--ranks-per-node", "2"]).contains("MB a rank"))
      let step = ["bench", "step", "--batch", "1", "--seconds", "0.25", "--steps", "1"]
      let measured = try run(step + preset + ["--recompute"])
      #expect(measured.contains("The parts add up to "))
      let names = try #require(Self.measurements[kind])
      let passes = measured.split(separator: "\n").filter { $0.hasPrefix(names.part) }
        .map { $0.dropFirst(names.part.count).split(separator: " ").first }
      #expect(passes == ["forward", "backward", "recompute"], "\(measured)")
      let kernels = ["bench", "kernels", "--seconds", "0.25"]
      #expect(try run(kernels + preset).contains(names.kernel))

      let trained = try bench.train(run: "run", ["--epochs", "1", "--batch", "2"])
      #expect(trained.status == 0, "\(trained)")
      let speech = try EnhanceFixture.conversation(rounds: 1).noisy
      try WaveFile.write(speech, sampleRate: 16_000, to: bench.folder.file("in.wav"))
      let enhance = ["enhance", "--weights", "run/best.safetensors", "--format", "float"]
      var outputs: [[Float]] = []
      for (name, mode) in [("w.wav", ["--whole"]), ("s.wav", ["--segment", "10"])] {
        _ = try run(enhance + mode + ["in.wav", name])
        outputs.append(
          try WaveFile.read(path: bench.folder.file(name), sampleRate: 16_000).samples)
      }
      let (whole, pieces) = (outputs[0], outputs[1])
      try #require(whole.count == speech.count && pieces.count == speech.count)
      #expect(whole.contains { $0 != 0 } && whole.allSatisfy(\.isFinite))
      func energy(_ x: [Float]) -> Double { x.reduce(0) { $0 + Double($1 * $1) } }
      let agreement = 10 * log10(energy(whole) / energy(zip(whole, pieces).map { $0 - $1 }))
      #expect(agreement > 20 && agreement.isFinite, "\(agreement) dB")
      #expect(energy(zip(whole, speech).map { $0 - $1 }) > 1e-3 * energy(speech))
    }
  }
}
