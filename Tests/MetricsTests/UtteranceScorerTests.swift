import Foundation
import Metrics
import Testing

/// Checks which metrics are computed, and how undefined ones are reported.
@Suite struct UtteranceScorerTests {
  private func score(
    _ reference: [Float], _ degraded: [Float], _ metrics: Set<ScoreColumn> = .all,
    sampleRate: Int = 16_000
  ) -> UtteranceScore {
    UtteranceScorer(metrics).score(
      file: "u", reference: reference, degraded: degraded, sampleRate: sampleRate)
  }

  private func columns(_ score: UtteranceScore) -> [ScoreColumn] {
    ScoreColumn.allCases.filter { score[$0] != nil }
  }

  @Test func computesRequestedMetricsAndTheirSources() throws {
    let (reference, degraded) = try GoldenCase.named("g02").signals()
    let whole = score(reference, degraded)
    #expect(columns(whole) == ScoreColumn.allCases && whole.error == nil)
    for (asked, given) in [
      ([.stoi, .siSDR], [.stoi, .siSDR]), ([.estoi], [.estoi]),
      ([.cbak], [.pesqWB, .ssnr, .wss, .cbak]), ([.csig], [.pesqWB, .llr, .wss, .csig]),
      (.validation, [.pesqWB, .siSDR]), ([], []),
      (.all.defined(sampleRate: 16_000), ScoreColumn.allCases),
      (.all.defined(sampleRate: 8000), [.siSDR]),
    ] as [(Set<ScoreColumn>, [ScoreColumn])] {
      let part = score(reference, degraded, asked)
      #expect(columns(part) == given && part.error == nil)
      for column in given { #expect(part[column] == whole[column]) }
    }
  }

  @Test func identicalSignalsAreBest() throws {
    let (reference, _) = try GoldenCase.named("g05").signals()
    let same = score(reference, reference)
    #expect(same.error == nil && same[.siSDR] == .infinity && same[.ssnr] == 35)
    #expect(same[.llr] == 0 && same[.wss] == 0)
    #expect(same[.csig] == 5 && same[.cbak] == 5 && same[.covl] == 5)
    for column in [ScoreColumn.stoi, .estoi] {
      #expect(abs(try #require(same[column]) - 1) < 1e-9)
    }
  }

  @Test func undefinedMetricsHaveAReasonAndNoDependents() throws {
    let (reference, degraded) = try GoldenCase.named("g02").signals()
    // 0.2 s is too short for PESQ and STOI, but not for the others.
    let short = score(Array(reference[10_000..<13_200]), Array(degraded[10_000..<13_200]))
    #expect(columns(short) == [.siSDR, .ssnr, .llr, .wss])
    let error = try #require(short.error)
    #expect(
      error.hasPrefix(
        "pesq_wb: \(PESQError.tooShort(.reference, sampleCount: 3_200)); stoi, estoi: "))
    // Signals shorter than a frame: one reason for three metrics, in the order of the columns.
    let shorter = score(Array(reference[10_000..<10_500]), Array(degraded[10_000..<10_500]))
    #expect(columns(shorter) == [.siSDR])
    #expect(
      shorter.error?.hasSuffix(
        "; ssnr, llr, wss: \(MetricError.tooShort(sampleCount: 500, minimum: 600))") == true)
    #expect(score([], []).error?.contains("; ssnr, llr, wss: ") == true)
    #expect(columns(score([], [])) == [])
    #expect(columns(score([0.5], [0.25])) == [])
  }

  @Test func silenceAndNonFiniteSamplesHaveNoScore() throws {
    let (reference, degraded) = try GoldenCase.named("g02").signals()
    let zeros = [Float](repeating: 0, count: degraded.count)
    let silent = score(reference, zeros)
    #expect(columns(silent) == [])
    #expect(
      silent.error
        == "pesq_wb: \(PESQError.silentDegraded); si_sdr: \(SISDRError.silentDegraded); "
        + "stoi, estoi, ssnr, llr, wss: \(MetricError.silentDegraded)")
    let mute = score(zeros, degraded)
    #expect(columns(mute) == [])
    // Metrics with one reason share it.
    #expect(
      mute.error
        == "pesq_wb, stoi, estoi, ssnr, llr, wss: \(PESQError.silentReference); "
        + "si_sdr: \(SISDRError.silentReference)")
    for bad: Float in [.nan, .infinity, -.infinity] {
      var broken = degraded
      broken[1_234] = bad
      for (first, second) in [(reference, broken), (broken, degraded)] {
        let score = score(first, second)
        #expect(columns(score) == [] && score.error?.contains("sample 1234") == true)
      }
    }
    #expect(columns(score(reference, degraded, sampleRate: 8_000)) == [.siSDR])
  }

  @Test(arguments: [35_184, 35_183, 35_100, 16_001, 4_801])
  func theLongerSignalIsCut(count: Int) throws {
    let (reference, degraded) = try GoldenCase.named("g02").signals()
    let metrics: Set<ScoreColumn> = [.stoi, .estoi, .siSDR, .ssnr, .llr, .wss]
    let (r, d) = (Array(reference.prefix(count)), Array(degraded.prefix(count)))
    let both = score(r, d, metrics)
    #expect(score(reference, d, metrics) == both && score(r, degraded, metrics) == both)
    #expect(columns(both).count >= 4)
  }

  @Test func digitalSilenceInsideIsNoError() throws {
    var (reference, degraded) = try GoldenCase.named("g05").signals()
    for i in 30_000..<34_000 {
      reference[i] = 0
      degraded[i] = 0
    }
    let score = score(reference, degraded)
    #expect(score.error == nil && columns(score) == ScoreColumn.allCases)
    // 4000 samples hold 30 frames of 480 at hop 120.
    #expect(score.llrFramesLeftOut == 30)
    for column in ScoreColumn.allCases { #expect(score[column]?.isFinite == true) }
  }

  @Test func oneScorerServesManyUtterancesAndManyThreadsGetTheSame() async throws {
    let pairs = try ["g12", "g02", "g09"].map { try GoldenCase.named($0).signals() }
    let fresh = pairs.map { score($0.reference, $0.degraded) }
    let scorer = UtteranceScorer()
    for _ in 0..<2 {
      for (pair, expected) in zip(pairs, fresh) {
        let again = scorer.score(
          file: "u", reference: pair.reference, degraded: pair.degraded, sampleRate: 16_000)
        #expect(again == expected)
      }
    }
    let together = await withTaskGroup(of: (Int, UtteranceScore).self) { group in
      for i in 0..<9 {
        let (reference, degraded) = pairs[i % pairs.count]
        group.addTask {
          let score = UtteranceScorer().score(
            file: "u", reference: reference, degraded: degraded, sampleRate: 16_000)
          return (i % pairs.count, score)
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    for (i, score) in together { #expect(score == fresh[i]) }
  }
}
