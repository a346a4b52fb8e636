import DistTrain
import Foundation
import TestSupport
import Testing

/// Who made the others wait.
@Suite struct StragglerTests {
  @Test func theSlowRankIsNamed() throws {
    // Means 2, 2 and 3: rank 1 is last in two steps, by 1 each, rank 0 in one, by 2.
    let report = try #require(StragglerReport(busy: [[1, 1, 5], [3, 3, 1]]))
    #expect(report.rank == 1 && report.stepsLast == 2 && report.steps == 3)
    #expect(report.waitedForIt == 2 && report.waited == 4)
    // Relative deviations 1/2, 1/2 and 2/3.
    #expect(abs(report.jitter - ((0.25 + 0.25 + 4.0 / 9) / 3).squareRoot()) < 1e-12)
    let line = try #require(report.line(host: "node7", seconds: 11))
    #expect(
      line
        == "waiting: ranks waited 4.0 s for each other (36.4% of the steps), 2.0 s of it for rank "
        + "1 (node7), the last in 2 of 3 steps; jitter 56.1%")
  }

  @Test func equalRanksAreNoNews() throws {
    let report = try #require(StragglerReport(busy: [[1, 2], [1, 2], [1, 2]]))
    #expect(report.waited == 0 && report.jitter == 0)
    #expect(report.line(host: "a", seconds: 3) == nil)
    #expect(StragglerReport(busy: [[1, 2]]) == nil)
    #expect(StragglerReport(busy: [[], []]) == nil)
    #expect(StragglerReport(busy: [[1], [1, 2]]) == nil)
  }
}
