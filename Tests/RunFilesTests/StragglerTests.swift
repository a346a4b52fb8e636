import Foundation
import RunFiles
import Testing

/// Ranks that made the others wait.
@Suite struct StragglerTests {
  @Test func theSlowRankIsNamed() throws {
    // The mean is 2.5 in each step: rank 1 is last in two, by 1.5 each, rank 0 in one.
    let report = try #require(StragglerReport(busy: [[1, 1, 4], [4, 4, 1]]))
    #expect(report.rank == 1 && report.stepsLast == 2 && report.steps == 3)
    #expect(report.waitedForIt == 3 && report.waited == 4.5)
    #expect(abs(report.jitter - 0.6) < 1e-12)
    let line = try #require(report.text(host: "node7", seconds: 11))
    #expect(
      line
        == "ranks waited 4.5 s for each other (40.9% of the steps), 3.0 s of it for rank "
        + "1 (node7), the last in 2 of 3 steps; jitter 60.0%")
  }

  @Test func equalRanksAreNoNews() throws {
    let report = try #require(StragglerReport(busy: [[1, 2], [1, 2], [1, 2]]))
    #expect(report.waited == 0 && report.jitter == 0)
    #expect(report.text(host: "a", seconds: 3) == nil)
    #expect(StragglerReport(busy: [[1, 2]]) == nil)
    #expect(StragglerReport(busy: [[], []]) == nil)
    #expect(StragglerReport(busy: [[1], [1, 2]]) == nil)
  }
}
