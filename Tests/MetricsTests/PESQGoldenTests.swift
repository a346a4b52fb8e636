import Foundation
import Metrics
import Testing

@Suite struct PESQGoldenTests {
  @Test(arguments: try GoldenCase.all())
  func agreesWithTheUsualTool(_ pair: GoldenCase) throws {
    let (reference, degraded) = try pair.signals()
    let score = try PESQ.wideBand(reference: reference, degraded: degraded, sampleRate: 16_000)
    // The tool computes in single precision; what remains is its rounding, below 1e-4 so far.
    #expect(abs(score - (try pair.pesqWB)) < 0.001, "\(score) for \(pair)")
  }

  @Test func identicalSignalsGetTheHighestScore() throws {
    for pair in try GoldenCase.all() {
      let (reference, _) = try pair.signals()
      let score = try PESQ.wideBand(reference: reference, degraded: reference, sampleRate: 16_000)
      #expect(abs(score - 4.6439) < 1e-4, "\(pair)")
    }
  }

  @Test func ignoresTheLevel() throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    let scorer = PESQ.Scorer()
    let score = try scorer.wideBand(
      reference: reference, degraded: degraded, sampleRate: 16_000)
    for gain: Float in [1e-6, 0.037, 32_768] {
      let scaled = try scorer.wideBand(
        reference: reference, degraded: degraded.map { gain * $0 }, sampleRate: 16_000)
      #expect(abs(scaled - score) < 1e-3, "gain \(gain)")
    }
  }

  @Test func repeatedScoresAreEqual() throws {
    let (reference, degraded) = try GoldenCase.named("g12").signals()
    let scorer = PESQ.Scorer()
    let first = try scorer.wideBand(reference: reference, degraded: degraded, sampleRate: 16_000)
    // Signals of other lengths use the workspace in between.
    let (other, otherDegraded) = try GoldenCase.named("g02").signals()
    _ = try scorer.wideBand(reference: other, degraded: otherDegraded, sampleRate: 16_000)
    let second = try scorer.wideBand(reference: reference, degraded: degraded, sampleRate: 16_000)
    #expect(first == second)
    #expect(
      first == (try PESQ.wideBand(reference: reference, degraded: degraded, sampleRate: 16_000)))
  }

  @Test func scoresTheSameFromManyThreads() async throws {
    let pairs = try GoldenCase.all().map { try $0.signals() }
    let alone = try pairs.map {
      try PESQ.wideBand(reference: $0.reference, degraded: $0.degraded, sampleRate: 16_000)
    }
    let together = try await withThrowingTaskGroup(of: (Int, Double).self) { group in
      for i in 0..<4 * pairs.count {
        let (reference, degraded) = pairs[i % pairs.count]
        group.addTask {
          let score = try PESQ.wideBand(
            reference: reference, degraded: degraded, sampleRate: 16_000)
          return (i % pairs.count, score)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(together.count == 4 * pairs.count)
    for (i, score) in together { #expect(score == alone[i]) }
  }
}
