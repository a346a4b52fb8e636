import Metrics
import Testing

@Suite struct ScoreTableTests {
  private static let header = "file,pesq_wb,stoi,estoi,si_sdr,ssnr,llr,wss,csig,cbak,covl,error"

  private static let scores = [
    UtteranceScore(file: "a.wav", values: [.pesqWB: 2.5, .siSDR: 10]),
    UtteranceScore(
      file: "b.wav", values: [.siSDR: 100], error: "pesq_wb: the \"reference\" is silent"),
    UtteranceScore(file: "c, second take.wav", values: [.pesqWB: 1.5, .siSDR: -4.25]),
    UtteranceScore(file: "d.wav", values: [.pesqWB: 4.6439, .siSDR: .infinity]),
    UtteranceScore(file: "e.wav", error: "cannot be read"),
  ]

  private let table = ScoreTable(Self.scores, columns: .validation)

  /// Scores of the unprocessed utterances, of which only `e` has a fault of its own.
  private let both: ScoreTable = {
    let noisy = [(1.25, 3.0), (1, 1), (1.25, -5.25), (1, 2), (1, 1)].enumerated().map {
      place, pair in
      UtteranceScore(
        file: Self.scores[place].file, values: [.pesqWB: pair.0, .siSDR: pair.1],
        error: place == 4 ? "clipped" : nil)
    }
    return ScoreTable(Self.scores, noisy: noisy, columns: .validation)
  }()

  @Test func csv() {
    #expect(
      table.csv == """
        \(Self.header)
        a.wav,2.500000,,,10.000000,,,,,,,
        b.wav,,,,100.000000,,,,,,,"pesq_wb: the ""reference"" is silent"
        "c, second take.wav",1.500000,,,-4.250000,,,,,,,
        d.wav,4.643900,,,inf,,,,,,,
        e.wav,,,,,,,,,,,cannot be read

        """)
    #expect(ScoreTable().csv == Self.header + "\n" && table.noisyCSV == nil)
    #expect(both.csv == table.csv)
    #expect(
      both.noisyCSV?.hasPrefix("\(Self.header)\na.wav,1.250000,,,3.000000,,,,,,,\n") == true)
  }

  @Test(arguments: ["a\r\nb", "a\nb", "a\rb", " a", "a "]) func quotesWhatNeedsIt(_ name: String) {
    let csv = ScoreTable([UtteranceScore(file: name)]).csv
    #expect(csv == "\(Self.header)\n\"\(name)\",,,,,,,,,,,\n")
  }

  @Test func meansAreOverScorableUtterances() throws {
    let pesq = try #require(table.row(.pesqWB).score)
    #expect(abs(pesq.mean - (2.5 + 1.5 + 4.6439) / 3) < 1e-12 && pesq.count == 3)
    #expect(table.row(.pesqWB).infiniteCount == 0)
    // Neither the 100 dB of the utterance without a PESQ score nor the infinite value counts.
    let ratio = table.row(.siSDR)
    #expect(ratio.score?.mean == 2.875 && ratio.score?.count == 2 && ratio.infiniteCount == 1)
    #expect(ratio.noisy == nil && ratio.gain == nil)
    #expect(ScoreTable().row(.pesqWB).score == nil)
  }

  @Test func bothSidesUseTheSameUtterances() throws {
    #expect(both.scorable == [0, 2, 3])
    let ratio = both.row(.siSDR)
    #expect(ratio.score?.mean == 2.875 && ratio.noisy?.mean == -1.125 && ratio.gain?.mean == 4)
    #expect(ratio.infiniteCount == 1 && ratio.gain?.count == 2)
    // Gains of 7 and 1 have a deviation of 3 √2; t of two values is 12.706.
    let width = try #require(ratio.gain?.halfWidth)
    #expect(abs(width - 12.7062 * 3) < 1e-3)
    #expect(both.fault(1) == "enhanced: pesq_wb: the \"reference\" is silent")
    #expect(both.fault(4) == "noisy: clipped; enhanced: cannot be read")
  }

  @Test func summary() {
    #expect(
      table.summary == """
                       mean ± 95%
        pesq_wb   2.8813 ± 3.9902
        si_sdr   2.8750 ± 90.5317
        scored 3/5 (2 without pesq_wb, 1 without si_sdr)
        si_sdr: 1 infinite left out of its means
        not scored:
          b.wav: pesq_wb: the "reference" is silent
          e.wav: cannot be read
        """)
    #expect(
      both.summary(published: [.pesqWB: "1.97"]) == """
        mean ± 95%              noisy          enhanced               gain  published noisy
        pesq_wb       1.1667 ± 0.3586   2.8813 ± 3.9902   +1.7146 ± 4.3323             1.97
        si_sdr      -1.1250 ± 52.4131  2.8750 ± 90.5317  +4.0000 ± 38.1186                -
        scored 3/5 (2 without pesq_wb, 1 without si_sdr)
        si_sdr: 1 infinite left out of its means
        not scored:
          b.wav: enhanced: pesq_wb: the "reference" is silent
          e.wav: noisy: clipped; enhanced: cannot be read
        """)
    #expect(
      ScoreTable(columns: .validation).summary
        == "         mean ± 95%\npesq_wb           -\nsi_sdr            -\nscored 0/0")
  }

  @Test func tableOfAllColumnsFitsTheScreen() {
    let scores = (0..<9).map { index in
      UtteranceScore(
        file: "u\(index)",
        values: Dictionary(
          uniqueKeysWithValues: ScoreColumn.allCases.map { ($0, -12.3456 * Double(index)) }))
    }
    let published = Dictionary(uniqueKeysWithValues: ScoreColumn.allCases.map { ($0, "-12.34") })
    let table = ScoreTable(scores, noisy: scores)
    let lines = table.summary(published: published).split(separator: "\n")
    #expect(lines.count == 12 && lines.allSatisfy { $0.count <= 100 })
    #expect(table.listing.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  @Test func framesLeftOutAreReported() {
    var scores = Self.scores
    scores[0].llrFramesLeftOut = 3
    // Frames of an utterance that the means leave out do not count.
    scores[1].llrFramesLeftOut = 5
    let text = ScoreTable(scores, columns: [.pesqWB, .llr]).summary
    #expect(text.contains("\nllr: 3 frames of digital silence left out, of 1 utterance\n"))
    #expect(!ScoreTable(scores, columns: [.pesqWB]).summary.contains("llr"))
  }

  @Test func intervalsFollowStudentsDistribution() throws {
    // Values from tables of the distribution.
    for (freedom, t) in [
      (1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (10, 2.22814), (30, 2.04227),
      (121, 1.97976), (823, 1.96286),
    ] {
      #expect(abs(StudentT.quantile975(degreesOfFreedom: freedom) - t) < 2e-5 * t, "\(freedom)")
    }
    #expect(Estimate([]) == nil && Estimate([3])?.halfWidth == nil)
    let estimate = try #require(Estimate([1, 2, 3, 4]))
    #expect(estimate.mean == 2.5 && estimate.count == 4)
    #expect(abs((estimate.halfWidth ?? 0) - 3.18245 * (5.0 / 3).squareRoot() / 2) < 1e-4)
  }

  @Test func aDifferenceOfMeansIsJudgedByStudentsTest() throws {
    #expect(MeanDifference([1], [2]) == nil && MeanDifference([], [1, 2, 3]) == nil)
    let known = try #require(MeanDifference([2.9, 3.0, 3.1], [3.1, 3.2, 3.3]))
    #expect(abs(known.difference + 0.2) < 1e-12 && abs(known.deviation - 0.1) < 1e-12)
    #expect(abs(known.smallest - 2.776445 * 0.1 * (2.0 / 3).squareRoot()) < 1e-6)
    #expect(!known.isBeyondNoise && known.countNeeded == 4)
    // Without any spread every difference counts, and none is none.
    let exact = try #require(MeanDifference([1, 1], [2, 2]))
    #expect(exact.smallest == 0 && exact.isBeyondNoise && exact.countNeeded == 2)
    let equal = try #require(MeanDifference([1, 1], [1, 1]))
    #expect(!equal.isBeyondNoise && equal.countNeeded == nil)
    // The number needed is the smallest that does: one less would not.
    for (difference, limit) in [(0.3, 30), (0.05, 300), (0.01, 3000)] {
      let pair = try #require(
        MeanDifference([0, 0.1, 0.2], [difference, 0.1 + difference, 0.2 + difference]))
      let count = try #require(pair.countNeeded)
      func smallest(_ count: Int) -> Double {
        MeanDifference.smallest(deviation: pair.deviation, count: count)
      }
      #expect(smallest(count) <= difference * (1 + 1e-9) && count < limit, "\(difference)")
      #expect(count == 2 || smallest(count - 1) > difference, "\(difference)")
    }
    #expect(MeanDifference([0, 1], [1e-9, 1])?.countNeeded == nil)
  }
}
