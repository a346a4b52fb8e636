import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain compare` on run folders as training leaves them.
@Suite(.serialized) struct CompareTests {
  @Test func recipesOfOneModelAreNamed() throws {
    try withTemporaryFolder { folder in
      for (seed, score) in ["2.5", "2.6"].enumerated() {
        try folder.makeRun("a\(seed)", preset: "abl1", seed: UInt64(seed), scores: [score])
        try folder.makeRun(
          "b\(seed)", preset: "abl1", seed: UInt64(seed), scores: [score + "5"],
          recipe: "published-gan")
      }
      try folder.makeRun("c", preset: "abl2", scores: ["2.5"], recipe: "short")
      let outcome = try disttrain(["compare", "a0", "a1", "b0", "b1", "c"], folder: folder)
      #expect(outcome.status == 0, "\(outcome)")
      let lines = outcome.output.split(separator: "\n")
      for text in [
        "abl1, published ", "abl1, published seed 1 ", "abl1, published-gan ",
        "abl1, published-gan seed 1 ", "abl2 ", "abl1, published: 2.5500 over 2 seeds",
        "abl1, published-gan: 2.6000 over 2 seeds",
      ] { #expect(lines.contains { $0.hasPrefix(text) }, "no \(text): \(outcome)") }
    }
  }

  @Test func theTableIsThatOfThePublishedPlan() throws {
    try withTemporaryFolder { folder in
      let voiceBank = "VoiceBank-DEMAND"
      try folder.makeRun(
        "a", preset: "abl1", scores: ["2.5", "3.0", "nan", "3.0", "2.9"],
        corpus: voiceBank)
      try folder.makeRun("b", preset: "abl2", scores: ["2.5"], corpus: voiceBank)
      try folder.makeRun("c", preset: "abl3", scores: ["3.25", "3.5"], corpus: voiceBank)
      try folder.makeRun("d", preset: "abl3", seed: 1, scores: ["1.5", "1.25"])
      try folder.makeRun("e", preset: "abl3", seed: 2, scores: [])
      let outcome = try disttrain(
        ["compare", "a", "b", "c", "d", "e", "--output", "out"], folder: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      let csv = try String(contentsOfFile: folder.file("out/comparison.csv"), encoding: .utf8)
      #expect(
        csv == """
          Model,Params(M),Best PESQ,Epoch
          BSRNN,2.4,3.00,12
          Modified,2.14,2.62,20
          abl1,4.11,3.0000,2
          abl2,4.58,2.5000,1
          abl3,2.88,3.5000,2
          abl3 seed 1,2.88,1.5000,1
          abl3 seed 2,2.88,,

          """)
      for text in [
        "abl1: minimum met (2.9), target met (3.0)", "abl2: minimum not met (3.0), target not met",
        // Above it, not at it.
        "abl3: minimum met (3.1), target met (3.2), stretch not met (3.5)",
        "abl3 seed 1: minimum not comparable, target not comparable, stretch not comparable "
          + "(another corpus",
        "abl3: 2.5000 over 2 seeds, standard deviation 1.4142",
      ] { #expect(outcome.output.contains(text), "no \(text): \(outcome)") }
      // As the published plan extracts it: epoch and score, without those that have none.
      let progression = try String(
        contentsOfFile: folder.file("out/abl1_pesq.csv"), encoding: .utf8)
      #expect(progression == "1,2.5000\n2,3.0000\n4,3.0000\n5,2.9000\n")
      #expect(
        try folder.names(in: "out").filter { $0.hasSuffix("_pesq.csv") } == [
          "abl1_pesq.csv", "abl2_pesq.csv", "abl3_seed0_pesq.csv", "abl3_seed1_pesq.csv",
          "abl3_seed2_pesq.csv",
        ])
      let json = try #require(
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: folder.appending(path: "out/comparison.json"))) as? [String: Any])
      let runs = try #require(json["runs"] as? [[String: Any]])
      #expect(runs.map { $0["bestPESQ"] as? Double } == [3.0, 2.5, 3.5, 1.5, nil])
      #expect(
        runs[0]["criteria"] as? [String: String] == ["minimum": "met (2.9)", "target": "met (3.0)"])
      #expect((runs[3]["criteria"] as? [String: String])?.isEmpty == true)
    }
  }

  /// Figures by hand: s² = (0.02 + 0.02)/4 = 0.01, t(0.975; 4) = 2.7764, and for two seeds of each
  /// 4.3027.
  @Test func differencesAreJudgedByTheirSpread() throws {
    try withTemporaryFolder { folder in
      let scores = [["2.9", "3.0", "3.1"], ["3.1", "3.2", "3.3"]]
      for (preset, values) in zip(["abl1", "abl2"], scores) {
        for (seed, score) in values.enumerated() {
          try folder.makeRun(
            "\(preset)-\(seed)", preset: preset, seed: UInt64(seed), scores: [score])
        }
      }
      try folder.makeRun("single", preset: "abl3", scores: ["3.6"])
      let runs = ["abl1", "abl2"].flatMap { name in (0..<3).map { "\(name)-\($0)" } } + ["single"]
      let outcome = try disttrain(["compare"] + runs + ["--output", "out"], folder: folder)
      #expect(outcome.status == 0, "\(outcome)")
      for text in [
        "abl1: 3.0000 over 3 seeds, standard deviation 0.1000; so many seeds of each of two "
          + "recipes tell a difference of means from noise from 0.2267 on",
        "abl1 − abl2: -0.2000, which may be noise (3 seeds of each tell differences from 0.2267 "
          + "on); it would need 4 seeds of each",
        // t(0.975; 2) · 0.1 · √(1/3 + 1)
        "abl1 − abl3: -0.6000, beyond noise (3 and 1 seed tell differences from 0.4968 on)",
      ] { #expect(outcome.output.contains(text), "no \(text): \(outcome)") }
      let json = try #require(
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: folder.appending(path: "out/comparison.json"))) as? [String: Any])
      let differences = try #require(json["differences"] as? [[String: Any]])
      #expect(differences.map { $0["isBeyondNoise"] as? Bool } == [false, true, false])
      #expect(differences.map { $0["seedsNeeded"] as? Int } == [4, 2, 3])
      let seeds = try #require(json["seeds"] as? [[String: Any]])
      #expect(abs((seeds[0]["smallestDifference"] as? Double ?? 0) - 0.22670) < 1e-4)
    }
  }

  /// Neither the numbers of two runs of one seed nor those of two recipes are a mean over seeds.
  @Test func runsOfOneSeedStandApart() throws {
    try withTemporaryFolder { folder in
      try folder.makeRun("a", preset: "abl1", scores: ["2.5"])
      try folder.makeRun("b", preset: "abl1", scores: ["3.0"])
      let outcome = try disttrain(["compare", "a", "b", "--output", "out"], folder: folder)
      #expect(outcome.status == 0 && !outcome.output.contains("over 2"), "\(outcome)")
      for (name, text) in [("1", "1,2.5000\n"), ("2", "1,3.0000\n")] {
        let file = folder.file("out/abl1_seed0_\(name)_pesq.csv")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
      }
    }
  }

  @Test func whatIsNoRunIsOneError() throws {
    try withTemporaryFolder { folder in
      try folder.makeRun("a", preset: "abl1", scores: ["2.5"])
      try folder.makeFolder("empty")
      expectError(
        try disttrain(["compare", "a", "empty"], folder: folder), "empty is no run folder")
      expectError(try disttrain(["compare", "a", "./a/"], folder: folder), "./a/ is given twice")
      try "epoch,pesq\n1,2.5,7\n".write(
        toFile: folder.file("a/history.csv"), atomically: true, encoding: .utf8)
      expectError(
        try disttrain(["compare", "a"], folder: folder), "history.csv cannot be read: line 2 has 3")
      try "{}".write(
        toFile: folder.file("a/configuration.json"), atomically: true, encoding: .utf8)
      expectError(try disttrain(["compare", "a"], folder: folder), "it is no configuration")
    }
  }

  /// A run that has lost its newest checkpoints goes on from one in an earlier epoch: everything
  /// that reads its files says so before that epoch is done once more.
  @Test func undoneEpochsCountNowhere() throws {
    try TrainingBench.use(train: 4) { bench in
      let recipe = [
        "--epochs", "3", "--batch", "1", "--steps-per-epoch", "4", "--checkpoint-every", "2",
        "--keep", "9", "--tensorboard",
      ]
      let trained = try bench.train(run: "run", recipe)
      #expect(trained.status == 0, "\(trained)")
      let scores = try bench.events("run", "epoch").compactMap { $0["pesq"] as? Double }
      #expect(scores.count == 3)
      for step in [8, 10, 12] {
        try FileManager.default.removeItem(
          atPath: bench.folder.file(String(format: "run/step-%08d.safetensors", step)))
      }
      let resumed = try bench.train(run: "run", recipe + ["--resume", "--stop-after", "7"])
      #expect(
        resumed.status == 0 && resumed.output.contains("continued after step 6"), "\(resumed)")

      #expect(try bench.history("run").dropFirst().map { $0.prefix { $0 != "," } } == ["1"])
      let score = String(format: "%.4f", scores[0])
      let compared = try disttrain(["compare", "run"], folder: bench.folder)
      let row = try #require(
        compared.output.split(separator: "\n").first { $0.hasPrefix("tiny ") }, "\(compared)")
      let cells = row.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
      #expect(cells[2] == score && cells[3] == "1" && cells[6] == "1/3", "\(compared)")
      let watched = try disttrain(["watch", "run"], folder: bench.folder)
      let watch = try #require(watched.output.split(separator: "\n").last, "\(watched)")
        .split(separator: " ").map(String.init)
      #expect(
        watch[1] == "1/3" && watch[2] == "3/4" && watch[4...6] == [score, score, "1"], "\(watched)")
      let reported = try disttrain(["report", "run", "--no-audio"], folder: bench.folder)
      #expect(reported.status == 0, "\(reported)")
      let page = try String(contentsOfFile: bench.folder.file("report.html"), encoding: .utf8)
      #expect(page.contains("<td class=\"n\">1/3</td>"))
      let board = try TestPython.run("read_tensorboard.py", [bench.folder.file("run/tensorboard")])
      let json = try JSONSerialization.jsonObject(with: Data(board.output.utf8)) as? [String: Any]
      let scalars = try #require(json?["scalars"] as? [String: [[Double]]], "\(board)")
      #expect(scalars["validation/pesq"]?.map { $0[0] } == [4])
      #expect(scalars["train/loss"]?.map { $0[0] } == [1, 2, 3, 4, 5, 6, 7])
    }
  }

  @Test func aRealRunIsSummedUp() throws {
    try TrainingBench.use(train: 4) { bench in
      let trained = try bench.train(run: "run", ["--epochs", "2", "--batch", "2"])
      #expect(trained.status == 0, "\(trained)")
      let outcome = try disttrain(["compare", "run", "--output", "out"], folder: bench.folder)
      #expect(outcome.status == 0, "\(outcome)")
      // The comparison has the numbers that people extract from the log.
      let epochs = trained.output.split(separator: "\n").filter { $0.hasPrefix("Epoch ") }
      let expected = epochs.map { line in
        let words = line.split(separator: " ")
        return "\(words[1]),\(words[3])\n"
      }.joined()
      #expect(
        try String(contentsOfFile: bench.folder.file("out/tiny_pesq.csv"), encoding: .utf8)
          == expected)
    }
  }
}
