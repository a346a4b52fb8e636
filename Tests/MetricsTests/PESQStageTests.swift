import Foundation
import Metrics
import Testing

/// Values of every stage on three pairs, computed by an independent program in double precision;
/// the usual tool confirms time alignment, frames and indicators.
struct StageValues: Sendable, CustomStringConvertible {
  let name: String
  let levelPower: [Double]
  let filteredRMS: [Double]
  let alignmentRMS: [Double]
  let blockCount: Int
  let speechBlocks: [Int]
  let logPowerSums: [Double]
  let crudeDelay: Int
  let windows: [ClosedRange<Int>]
  let utterances: [(start: Int, end: Int, delay: Int, confidence: Double)]
  /// Samples skipped at start and end, then start, stop and total of the frames.
  let frames: [Int]
  let silentFrames: Int
  let middle: Int
  let bandPowerSums: [Double]
  /// Compensation factors of bands 1, 10, 20, 30, 40 and 48.
  let compensation: [Double]
  let gain: Double
  let loudness: [Double]
  let disturbances: [Double]
  let disturbanceSums: [Double]
  let indicators: [Double]
  let raw: Double
  let score: Double

  var description: String { name }

  static let all = [
    StageValues(
      name: "g05", levelPower: [0.00811426, 0.00812229], filteredRMS: [11972.64, 11982.54],
      alignmentRMS: [28617.6, 28619.0], blockCount: 1150, speechBlocks: [617, 688],
      logPowerSums: [2312.27, 2349.41], crudeDelay: 0, windows: [256...730, 729...1143],
      utterances: [(75, 729, 0, 0.94955), (729, 1075, 0, 0.92629)],
      frames: [1, 5119, 0, 249, 269], silentFrames: 86, middle: 125,
      bandPowerSums: [3.07882e7, 3.25024e7],
      compensation: [1, 1.00324, 1.01466, 1.00097, 0.999589, 0.999994], gain: 0.981851,
      loudness: [22.8526, 39.7033], disturbances: [13.3243, 189.671],
      disturbanceSums: [1231.24, 5453.73], indicators: [7.85735, 36.2823], raw: 2.59314,
      score: 2.72294),
    StageValues(
      name: "g09", levelPower: [0.00693939, 0.0114211], filteredRMS: [13740.30, 12371.81],
      alignmentRMS: [28338.3, 26822.0], blockCount: 1120, speechBlocks: [719, 372],
      logPowerSums: [3119.46, 264.42], crudeDelay: 0,
      windows: [40...606, 512...715, 622...875, 775...1072],
      utterances: [
        (75, 559, 0, 0.71518), (559, 668, 0, 0.54471), (668, 825, 0, 0.62549),
        (825, 1045, 0, 0.47035),
      ],
      frames: [7, 5121, 0, 241, 261], silentFrames: 50, middle: 121,
      bandPowerSums: [8.90391e6, 9.66481e8],
      compensation: [1, 0.608927, 0.659219, 1.52359, 1.52598, 4.31061], gain: 0.00945983,
      loudness: [47.1660, 49.6896], disturbances: [14.1207, 75.7310],
      disturbanceSums: [6149.64, 10869.04], indicators: [32.0418, 44.3094], raw: -0.07334,
      score: 1.07662),
    StageValues(
      name: "g12", levelPower: [0.0112469, 0.0112789], filteredRMS: [11532.21, 11447.35],
      alignmentRMS: [29235.4, 29171.5], blockCount: 1150, speechBlocks: [845, 794],
      logPowerSums: [3323.69, 2192.34], crudeDelay: 960,
      windows: [0...500, 455...720, 625...1149],
      utterances: [(75, 477, 0, 0.85618), (477, 672, 960, 0.63129), (672, 1060, 960, 0.87207)],
      frames: [0, 5116, 0, 249, 269], silentFrames: 62, middle: 125,
      bandPowerSums: [2.01248e9, 2.03267e9],
      compensation: [1, 0.973153, 1.17841, 1.24724, 1.07664, 2.08418], gain: 1.00659,
      loudness: [155.314, 158.192], disturbances: [6.03635, 22.7513],
      disturbanceSums: [2971.77, 9180.68], indicators: [21.7339, 41.8213], raw: 1.03433,
      score: 1.32909),
  ]
}

@Suite struct PESQStageTests {
  /// Checks values with a tolerance relative to the expected value, which covers its last digit and
  /// the rounding of the transforms.
  private func expect(
    _ values: [Double], _ expected: [Double], within tolerance: Double = 2e-5,
    _ stage: Comment, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(values.count == expected.count, stage, sourceLocation: sourceLocation)
    for (value, wanted) in zip(values, expected) {
      #expect(
        abs(value - wanted) <= tolerance * abs(wanted), "\(stage): \(value) for \(wanted)",
        sourceLocation: sourceLocation)
    }
  }

  private func rms(_ signal: PESQ.PaddedSignal) -> Double {
    let energy = signal.data.reduce(0.0) { $0 + pow(Double(signal.samples[$1]), 2) }
    return (energy / Double(signal.dataCount)).squareRoot()
  }

  private func analyse(_ name: String) throws -> PESQ.Analysis {
    let (reference, degraded) = try GoldenCase.named(name).signals()
    return try PESQ.Scorer().analyse(
      reference: reference, degraded: degraded, sampleRate: 16_000)
  }

  @Test(arguments: StageValues.all) func signals(_ wanted: StageValues) throws {
    let stages = try analyse(wanted.name)
    expect(
      [stages.levelPower.reference, stages.levelPower.degraded], wanted.levelPower, "level power")
    expect(
      [rms(stages.filtered.reference), rms(stages.filtered.degraded)], wanted.filteredRMS,
      "input filter")
    expect(
      [rms(stages.alignmentCopy.reference), rms(stages.alignmentCopy.degraded)],
      wanted.alignmentRMS, "alignment copy")
    let activities = [stages.activity.reference, stages.activity.degraded]
    #expect(activities.map(\.powers.count) == [wanted.blockCount, wanted.blockCount])
    #expect(activities.map { $0.powers.count { $0 > 0 } } == wanted.speechBlocks)
    expect(
      activities.map { $0.logPowers.reduce(0) { $0 + Double($1) } }, wanted.logPowerSums,
      "log powers")
  }

  @Test(arguments: StageValues.all) func timeAlignment(_ wanted: StageValues) throws {
    let alignment = try analyse(wanted.name).alignment
    #expect(alignment.crudeDelay == wanted.crudeDelay)
    #expect(alignment.searchWindows == wanted.windows)
    #expect(alignment.utterances.map(\.start) == wanted.utterances.map(\.start))
    #expect(alignment.utterances.map(\.end) == wanted.utterances.map(\.end))
    #expect(alignment.utterances.map(\.delay) == wanted.utterances.map(\.delay))
    expect(
      alignment.utterances.map(\.confidence), wanted.utterances.map(\.confidence), "confidence")
  }

  @Test(arguments: StageValues.all) func perceptualModel(_ wanted: StageValues) throws {
    let stages = try analyse(wanted.name)
    let frames = stages.frames
    #expect(
      [frames.skippedAtStart, frames.skippedAtEnd, frames.start, frames.stop, frames.total]
        == wanted.frames)
    #expect(stages.compensation.isSilent.count { $0 } == wanted.silentFrames)
    let bandPowers = [stages.bandPowers.reference, stages.bandPowers.degraded]
    expect(
      bandPowers.map { powers in (0..<49).reduce(0) { $0 + powers[wanted.middle, $1] } },
      wanted.bandPowerSums, "band powers")
    expect(
      [1, 10, 20, 30, 40, 48].map { stages.compensation.factors[$0] }, wanted.compensation,
      "compensation")
    let middle = stages.comparisons[wanted.middle]
    expect([middle.gain], [wanted.gain], "gain")
    expect([middle.referenceLoudness, middle.degradedLoudness], wanted.loudness, "loudness")
    expect([middle.symmetric, middle.asymmetric], wanted.disturbances, "disturbances")
  }

  @Test(arguments: StageValues.all) func aggregation(_ wanted: StageValues) throws {
    let stages = try analyse(wanted.name)
    expect(
      [
        stages.normalised.reduce(0) { $0 + $1.symmetric },
        stages.normalised.reduce(0) { $0 + $1.asymmetric },
      ], wanted.disturbanceSums, "sums of disturbances")
    expect(
      [stages.aggregate.symmetric, stages.aggregate.asymmetric], wanted.indicators, "indicators")
    #expect(abs(stages.aggregate.raw - wanted.raw) < 2e-5)
    #expect(abs(stages.score - wanted.score) < 2e-5)
  }

  /// Checks the time weights, since no pair with known values is longer than 16 s.
  @Test func beyondSixteenSecondsTheEndCountsMore() throws {
    let (speech, noisy) = try GoldenCase.named("g05").signals()
    let repeated = (0..<6).flatMap { _ in speech }
    // One noise, at the start or at the end of clean speech.
    let early = noisy + repeated[noisy.count...]
    let late = repeated.dropLast(noisy.count) + noisy
    func aggregate(_ degraded: [Float]) throws -> PESQ.Analysis {
      try PESQ.Scorer().analyse(reference: repeated, degraded: degraded, sampleRate: 16_000)
    }
    let start = try aggregate(early)
    let end = try aggregate(Array(late))
    #expect(end.score < start.score)

    let n = Double(repeated.count / 256 - 1)
    let q = min(0.5, (n - 1_000) / 5_500)
    #expect(q > 0.08)
    let frames = start.frames
    var sum = 0.0
    var weights = 0.0
    for s in stride(from: frames.start, through: frames.stop, by: 10) {
      let powers = (s...min(s + 19, frames.stop)).map { pow(start.normalised[$0].symmetric, 6) }
      let weight = 1 - q + q * Double(s - frames.start) / n
      sum += pow(weight * pow(powers.reduce(0, +) / 20, 1 / 6.0), 2)
      weights += weight * weight
    }
    expect([start.aggregate.symmetric], [(sum / weights).squareRoot()], within: 1e-12, "weights")
  }

  @Test func badIntervals() throws {
    #expect(try analyse("g05").badIntervals.isEmpty)

    let many = try analyse("g09").badIntervals
    try #require(many.count == 11)
    #expect(many[0].frames == 10..<16 && many[0].lag == 0)
    #expect(many[8].frames == 165..<181 && many[8].lag == -1833)
    #expect(abs(many[8].correlation - 0.5596) < 1e-4)

    let single = try analyse("g12").badIntervals
    try #require(single.count == 1)
    #expect(single[0].frames == 114..<123 && single[0].lag == 1996)
    #expect(abs(single[0].correlation - 0.5773) < 1e-4)
  }
}
