import Foundation
import Metrics
import Testing

@Suite struct GoldenMetricsTests {
  /// Largest deviation from the usual tool's score. Metrics that tools compute in double precision
  /// agree up to rounding; PESQ, and metrics computed from it, are in single precision there.
  private static func limit(_ column: ScoreColumn) -> Double {
    switch column {
    case .pesqWB, .csig, .cbak, .covl: 1e-3
    default: 1e-6
    }
  }

  /// Without cases, those with one each would pass.
  @Test func thereAreCases() throws { #expect(try GoldenCase.all().count == 9) }

  @Test(arguments: try GoldenCase.all())
  func allColumnsAgreeWithTheUsualTools(_ pair: GoldenCase) throws {
    let (reference, degraded) = try pair.signals()
    let score = UtteranceScorer().score(
      file: pair.name, reference: reference, degraded: degraded, sampleRate: 16_000)
    #expect(score.error == nil)
    for column in ScoreColumn.allCases {
      let value = try #require(score[column], "\(column)")
      if let expected = pair.expected[column] {
        #expect(
          abs(value - expected) <= Self.limit(column), "\(column): \(value) for \(expected)")
      } else {
        #expect(column == .siSDR && value == .infinity)
      }
    }
  }

  /// Prints the worst deviation of each metric over a folder of other recordings with an
  /// `expected.json` in the form of ours, since recordings without a stated licence are not part of
  /// this repository: `DISTTRAIN_GOLDEN_METRICS=FOLDER swift test -c release --filter
  /// GoldenMetricsTests`.
  @Test(.enabled(if: GoldenCase.otherFolder != nil))
  func othersAgreeToo() throws {
    let folder = try #require(GoldenCase.otherFolder)
    let cases = try GoldenCase.all(in: folder)
    try #require(!cases.isEmpty)
    var worst: [ScoreColumn: (deviation: Double, name: String)] = [:]
    for pair in cases {
      let (reference, degraded) = try pair.signals(in: folder)
      let score = UtteranceScorer().score(
        file: pair.name, reference: reference, degraded: degraded, sampleRate: 16_000)
      #expect(score.error == nil)
      print("\(pair): \(score.llrFramesLeftOut) frames left out of the LLR")
      for (column, expected) in pair.expected {
        let deviation = abs(try #require(score[column]) - expected)
        #expect(deviation <= Self.limit(column), "\(pair) \(column)")
        if deviation >= worst[column]?.deviation ?? 0 { worst[column] = (deviation, pair.name) }
      }
    }
    for column in ScoreColumn.allCases {
      guard let worst = worst[column] else { continue }
      print("\(column.rawValue): within \(worst.deviation) of \(cases.count) pairs, \(worst.name)")
    }
  }
}
