import Files
import Foundation
import ProgramTestSupport
import Testing
import TestSupport
import Weights

/// `train --best-by`, `--patience` and `--average-best` as users run them.
@Suite(.serialized) struct BestEpochsRunsTests {
  private let recipe = ["--epochs", "6", "--batch", "4", "--steps-per-epoch", "1", "--lr", "0.01"]

  private func file(_ bench: TrainingBench, _ path: String) throws -> SafetensorsFile {
    try SafetensorsFile(contentsOf: bench.folder.appending(path: path))
  }

  private func card(_ bench: TrainingBench, _ path: String) throws -> WeightCard {
    let text = try #require(try file(bench, path).metadata[WeightCard.key], "\(path)")
    return try #require(WeightCard(parsing: text), "\(text)")
  }

  private func selections(_ bench: TrainingBench, _ run: String) throws -> [Double] {
    try bench.events(run, "epoch").compactMap { $0["selection_score"] as? Double }
  }

  /// Whether two numbers are one: Foundation reads JSON up to the last digit but one.
  private func isSame(_ one: Double?, _ other: Double) -> Bool {
    one.map { abs($0 - other) <= 1e-14 * abs(other) } ?? false
  }

  /// The best of the scores, from 1.
  private func best(_ scores: [Double]) -> Int {
    (scores.firstIndex(of: scores.max() ?? 0) ?? -1) + 1
  }

  @Test func theRuleDecidesWhatIsKept() throws {
    try TrainingBench.use(train: 8, valid: 2) { bench in
      for rule in ["pesq_wb", "loss", "covl+0.1*si_sdr"] {
        let run = String(rule.prefix { $0.isLetter })
        let outcome = try bench.train(run: run, recipe + ["--best-by", rule])
        #expect(outcome.status == 0, "\(outcome)")
        let scores = try selections(bench, run)
        let epochs = try bench.events(run, "epoch")
        #expect(scores.count == 6 && epochs.allSatisfy { $0["selected_by"] as? String == rule })
        let number = best(scores)
        #expect(outcome.output.contains(" in epoch \(number): "), "\(outcome)")
        let card = try card(bench, "\(run)/best.safetensors")
        #expect(card.epochs == [number] && card.step == number && card.kind == .averaged)
        #expect(card.selection?.rule == rule)
        #expect(isSame(card.selection?.score, scores[number - 1]))
        let metrics = Set(card.scores.map(\.metric))
        // As much as the log and the rule need, and no more.
        let needed: Set = ["pesq_wb", "si_sdr", "loss"]
        #expect(metrics == (rule.hasPrefix("covl") ? needed.union(["covl"]) : needed), "\(rule)")
        #expect(card.scores.allSatisfy { ($0.noisy != nil) == ($0.metric != "loss") })
        if rule == "loss" {
          let losses = epochs.compactMap { $0["loss"] as? Double }
          #expect(losses.count == 6 && zip(losses, scores).allSatisfy { isSame(-$0, $1) })
        }
        let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("Epoch ") }
        #expect(lines.count == 6)
        #expect(lines.allSatisfy { $0.contains(" selection-score ") == (rule != "pesq_wb") })
        // The table of runs takes the epoch that the run took.
        let compared = try disttrain(["compare", run], folder: bench.folder)
        let row = compared.output.split(separator: "\n").first { $0.hasPrefix("tiny ") } ?? ""
        let cells = row.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(cells.count > 3 && cells[3] == "\(number)", "\(compared)")
        #expect(try bench.history(run)[0].hasSuffix(",selection_score"))
        // The last epoch's weights have its card.
        let last = try self.card(bench, "\(run)/last-weights.safetensors")
        #expect(last.epochs == [6] && isSame(last.selection?.score, scores[5]))
      }
      // The default is that rule, and says nothing about it.
      let standard = try bench.train(run: "default", recipe)
      #expect(standard.status == 0 && !standard.output.contains("selection-score"), "\(standard)")
      let names = try file(bench, "default/best.safetensors").entries
      for entry in try file(bench, "pesq/best.safetensors").entries {
        let other = names.first { $0.name == entry.name }
        #expect(try other?.floats() == entry.floats())
      }
    }
  }

  @Test func anotherRuleOnResumeStartsANewBest() throws {
    try TrainingBench.use(train: 8) { bench in
      let first = try bench.train(run: "run", recipe + ["--stop-after", "3"])
      #expect(first.status == 0, "\(first)")
      let resumed = try bench.train(run: "run", recipe + ["--best-by", "loss", "--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      #expect(
        resumed.errors.contains("is chosen by loss from epoch 4 on, and was by pesq_wb")
          || resumed.output.contains("is chosen by loss from epoch 4 on, and was by pesq_wb"),
        "\(resumed)")
      let epochs = try bench.events("run", "epoch").suffix(3)
      let scores = epochs.compactMap { $0["selection_score"] as? Double }
      #expect(scores.count == 3)
      #expect(try card(bench, "run/best.safetensors").epochs == [best(scores) + 3])
      // Scores of the other rule are out of the comparison.
      let rows = try bench.history("run").dropFirst().map { $0.split(separator: ",").last ?? "" }
      #expect(rows.map { $0 == "nan" } == [true, true, true, false, false, false])
      // A complete run has its best by the rule that it had.
      let late = try bench.train(run: "run", recipe + ["--best-by", "si_sdr", "--resume"])
      #expect(late.status == 0, "\(late)")
      #expect(
        (late.output + late.errors).contains("no epoch was chosen by si_sdr: the run was complete"),
        "\(late)")
      #expect(late.output.contains(String(format: "best %.4f by loss", try #require(scores.max()))))
      let rate = "\"front_end\": {\"sample_rate\": 8000}, \"name\""
      try bench.folder.write(tinyModel.replacing("\"name\"", with: rate), to: "8k.json")
      expectError(
        try bench.train(run: "none", recipe + ["--best-by", "covl+loss", "--preset", "8k.json"]),
        "covl is not defined at the 8000 Hz of the model")
      let wrong = try bench.train(run: "none", recipe + ["--best-by", "pesq"])
      #expect(
        wrong.status == 64 && wrong.errors.contains("there is no metric \"pesq\""), "\(wrong)")
    }
  }

  @Test func patienceEndsARunWhereverItIsResumed() throws {
    try TrainingBench.use(train: 8) { bench in
      // At this rate no weight moves, so that the first epoch stays the best.
      let flags = [
        "--epochs", "9", "--batch", "4", "--steps-per-epoch", "2", "--lr", "1e-30", "--schedule",
        "constant", "--best-by", "loss", "--patience", "2", "--warmup", "0", "--ema", "0",
      ]
      for (beside, last) in [([], 3), (["--validate-async"], 4)] {
        let whole = try bench.train(run: "whole\(last)", flags + beside)
        #expect(whole.status == 0, "\(whole)")
        let scores = try selections(bench, "whole\(last)")
        #expect(scores.count == last && Set(scores).count == 1, "\(scores)")
        #expect(
          whole.output.contains("ended after epoch \(last) of 9: no better epoch in 2"), "\(whole)")
        #expect(try bench.events("whole\(last)", "stop").count == 1)
        let parts = "parts\(last)"
        for limit in ["3", "4", "5"] {
          let resumes = limit == "3" ? [] : ["--resume"]
          let part = try bench.train(
            run: parts, flags + beside + resumes + ["--stop-after", limit])
          #expect(part.status == 0, "\(part)")
        }
        let rest = try bench.train(run: parts, flags + beside + ["--resume"])
        #expect(rest.status == 0, "\(rest)")
        try bench.expectEqual("whole\(last)", parts)
      }
    }
  }

  @Test(arguments: [[], ["--validate-async"]])
  func theMeanIsOverTheBestEpochs(beside: [String]) throws {
    try TrainingBench.use(train: 8) { bench in
      let flags = recipe + ["--average-best", "2", "--keep", "1"] + beside
      for ranks in [1, 2] {
        let outcome = try bench.train(
          ranks: ranks, run: "run\(ranks)", flags + ["--batch", "\(4 / ranks)"])
        #expect(outcome.status == 0, "\(outcome)")
      }
      let scores = try selections(bench, "run1")
      let kept = scores.enumerated().sorted { ($0.element, $1.offset) > ($1.element, $0.offset) }
        .prefix(2).map { $0.offset + 1 }.sorted()
      let names = kept.map { String(format: "epoch-%08d.safetensors", $0) }
      #expect(try bench.folder.names(in: "run1").filter { $0.hasPrefix("epoch-") } == names)
      let card = try card(bench, "run1/mean-best-2.safetensors")
      #expect(card.kind == .mean && card.epochs == kept && card.scores.isEmpty)
      #expect(card.note?.contains("the run has not scored it") == true)
      let mean = try file(bench, "run1/mean-best-2.safetensors")
      let sources = try names.map { try file(bench, "run1/\($0)") }
      for entry in mean.entries {
        let values = try sources.map { try #require($0.tensors[entry.name]).floats() }
        let expected = zip(values[0], values[1]).map { Float((Double($0) + Double($1)) / 2) }
        #expect(try entry.floats() == expected, "\(entry.name)")
      }
      // One of the kept is the best one.
      let best = try file(bench, "run1/best.safetensors").serialized()
      let isOneOfTheKept = sources.contains { $0.serialized() == best }
      #expect(isOneOfTheKept)
      for name in ["mean-best-2.safetensors", "best.safetensors", "last-weights.safetensors"] {
        #expect(try bench.data("run1", name) == bench.data("run2", name), "\(name)")
      }
      // In parts the same files remain.
      for limit in ["2", "3", "5"] {
        let resumes = limit == "2" ? [] : ["--resume"]
        let part = try bench.train(run: "parts", flags + resumes + ["--stop-after", limit])
        #expect(part.status == 0, "\(part)")
      }
      #expect(try bench.train(run: "parts", flags + ["--resume"]).status == 0)
      try bench.expectEqual("run1", "parts")
      for name in names + ["mean-best-2.safetensors"] {
        #expect(try bench.data("run1", name) == bench.data("parts", name), "\(name)")
      }
    }
  }

  @Test func lostWeightsAreLeftOutOfTheMean() throws {
    try TrainingBench.use(train: 8) { bench in
      let flags = recipe + ["--average-best", "6"]
      #expect(try bench.train(run: "run", flags + ["--stop-after", "3"]).status == 0)
      try FileManager.default.removeItem(
        atPath: bench.folder.file("run/epoch-00000002.safetensors"))
      let outcome = try bench.train(run: "run", flags + ["--resume"])
      #expect(outcome.status == 0, "\(outcome)")
      let all = outcome.output + outcome.errors
      #expect(all.contains("left out of the mean of the best epochs: epoch 2: "), "\(outcome)")
      let card = try card(bench, "run/mean-best-6.safetensors")
      #expect(card.epochs == [1, 3, 4, 5, 6])
      #expect(card.note?.contains("5 best epochs of 6 asked for") == true, "\(card)")
      let described = try disttrain(
        ["describe", "run/mean-best-6.safetensors"], folder: bench.folder)
      #expect(
        described.output.contains("the mean of the weights of 5 epochs (1, 3, 4, 5, 6)"),
        "\(described)")
    }
  }
}
