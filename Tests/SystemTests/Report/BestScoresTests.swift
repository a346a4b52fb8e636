import Foundation
import Testing
import TestSupport

/// `best-scores.csv`, which training keeps beside its best weights.
@Suite(.serialized) struct BestScoresTests {
  private func rows(_ bench: TrainingBench, _ run: String) throws -> [[String]] {
    String(decoding: try bench.data(run, "best-scores.csv"), as: UTF8.self).split(separator: "\n")
      .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  }

  /// The mean of a column, and the best of the history beside it.
  private func expectMeans(_ bench: TrainingBench, _ run: String) throws {
    let rows = try rows(bench, run)
    #expect(
      rows.first == ["file", "noisy_pesq_wb", "pesq_wb", "noisy_si_sdr", "si_sdr", "error"])
    let history = try bench.history(run).map { $0.split(separator: ",").map(String.init) }
    let best = try #require(
      history.dropFirst().max { (Double($0[1]) ?? 0) < (Double($1[1]) ?? 0) })
    for (column, expected) in [(1, 2), (2, 1), (3, 4), (4, 3)] {
      let values = rows.dropFirst().compactMap { Double($0[column]) }
      #expect(values.count == rows.count - 1)
      let mean = values.reduce(0, +) / Double(values.count)
      #expect(abs(mean - (Double(best[expected]) ?? .nan)) < 1e-5, "column \(column) of \(run)")
    }
  }

  @Test func everyWayToTrainKeepsTheSameScores() throws {
    try TrainingBench.use(valid: 5) { bench in
      let recipe = ["--epochs", "3", "--batch"]
      #expect(try bench.train(run: "a", recipe + ["6"]).status == 0)
      #expect(try rows(bench, "a").dropFirst().map(\.first) == (0..<5).map { "u00\($0)" })
      try expectMeans(bench, "a")
      let scores = try bench.data("a", "best-scores.csv")
      #expect(try bench.train(ranks: 2, run: "b", recipe + ["3"]).status == 0)
      #expect(try bench.train(ranks: 3, run: "c", recipe + ["2", "--validate-async"]).status == 0)
      #expect(try bench.train(run: "d", recipe + ["6", "--stop-after", "6"]).status == 0)
      // After the first epoch, when the run has stopped, those of the first epoch are there.
      try expectMeans(bench, "d")
      #expect(try bench.train(run: "d", recipe + ["6", "--resume"]).status == 0)
      for run in ["b", "c", "d"] {
        let isSame = try bench.data(run, "best-scores.csv") == scores
        #expect(isSame, "best-scores.csv of \(run) differs")
      }
    }
  }
}
