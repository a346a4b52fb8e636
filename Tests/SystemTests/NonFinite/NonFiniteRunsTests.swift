import Foundation
import ProgramTestSupport
import RunTestSupport
import Testing
import TestSupport

/// A NaN in a recording, as users meet it: real ranks under mpirun, and then `replay`.
@Suite(.serialized) struct NonFiniteRunsTests {
  @Test func aSpoiledRecordingIsNamedAndReplayed() throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 8, "valid": 2])
      try tinyModel.write(
        toFile: folder.file("tiny.json"), atomically: true, encoding: .utf8)
      try spoil(corpus.folder.file("train/noisy/u005.wav"), with: .nan)
      try spoil(corpus.folder.file("valid/noisy/u001.wav"), with: .infinity)
      let outcome = try MPIRun.run(
        ranks: 2, product: "disttrain",
        arguments: [
          "train", "--preset", "tiny.json", "--data", "corpus", "--seconds", "0.5", "--batch", "2",
          "--epochs", "2", "--run-dir", "run", "--skip-limit", "2", "--nonfinite-dumps", "5",
        ], folder: folder, timeLimit: 120)
      #expect(outcome.status == 0, "\(outcome)")
      let lines = outcome.output.split(separator: "\n").map(String.init)
      let skipped = lines.filter { $0.contains("skipped on all ranks: loss or gradient is not") }
      #expect(skipped.count == 2 && skipped.allSatisfy { $0.contains("u005") }, "\(outcome)")
      let found = lines.filter { $0.hasPrefix("first non-finite: rank ") }
      #expect(found.count == 2, "\(outcome)")
      #expect(
        found.allSatisfy { $0.contains(", utterance u005, input (noisy samples), 8 NaN of 8000, ") }
      )
      // Another crop of the same recording in the next epoch is no news.
      #expect(found.last?.contains("; the same is in the dump run/nonfinite/") == true)
      let epochs = lines.filter { $0.hasPrefix("Epoch ") }
      #expect(epochs.count == 2, "\(outcome)")
      for epoch in epochs {
        #expect(!epoch.contains("nan") && epoch.contains(" scored 1/2 "), "\(outcome)")
      }
      #expect(
        lines.count { $0.hasPrefix("warning: left out of the validation scores: u001: ") } == 1)
      #expect(lines.contains("warning: 2 of 4 steps were skipped"), "\(outcome)")

      let command = try #require(found.first?.components(separatedBy: ": disttrain ").last)
      let arguments = command.split(separator: " ").map(String.init)
      let replay = try disttrain(arguments, folder: folder)
      #expect(replay.status == 0 && replay.errors == "", "\(replay)")
      for text in [
        "utterance u005: loss nan, gradient norm nan", "as recorded",
        "first non-finite: input (noisy samples), 8 NaN of 8000",
        "what was recorded came again", "layers.1.cross", "output gradient",
      ] { #expect(replay.output.contains(text), "no \(text): \(replay)") }
      let one = try disttrain(arguments + ["--utterance", "u006"], folder: folder)
      expectError(one, "holds no utterance u006; it has u005")
    }
  }

  /// A user may spoil any rank's numbers, to see what the run makes of it.
  @Test(arguments: [
    ("poison-weight", "first non-finite: rank 1, utterance ", ", weights not finite, "),
    ("poison-gradient", "transient: ", " and rank 1's own gradient sum of "),
    (
      "poison-input", "first non-finite: rank 1, utterance ", "input (noisy samples), 1 NaN of 8000"
    ),
  ])
  func numbersAreSpoiledOnPurpose(kind: String, beginning: String, text: String) throws {
    try TrainingBench.use(train: 12) { bench in
      let fault = "\(kind)@step=4,rank=1"
      let outcome = try bench.train(
        ranks: 2, run: "a", ["--epochs", "2", "--batch", "2", "--skip-limit", "2"],
        environment: ["DISTTRAIN_FAULT": fault])
      #expect(outcome.status == 0, "\(outcome)")
      let lines = outcome.output.split(separator: "\n").map(String.init)
      let warned = lines.filter { $0.contains("a fault is injected on purpose (DISTTRAIN_FAULT=") }
      #expect(warned.count == 1 && warned[0].contains("=\(fault))"), "\(outcome)")
      let skipped = lines.filter { $0.contains("skipped on all ranks: ") }
      #expect(skipped.first?.contains("step 4 skipped") == true, "\(outcome)")
      // A weight stays bad until the run goes back, to before step 4; then all of it is taken.
      #expect(skipped.count == (kind == "poison-weight" ? 2 : 1), "\(outcome)")
      let found = lines.first { $0.contains("computed again") || $0.contains("first non-finite: ") }
      #expect(found?.hasPrefix(beginning) == true && found?.contains(text) == true, "\(outcome)")
      #expect(try bench.events("a", "step").last?["step"] as? Int == 6)
    }
  }
}
