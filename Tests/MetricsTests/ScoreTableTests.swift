import Metrics
import Testing

@Suite struct ScoreTableTests {
  private let table = ScoreTable([
    UtteranceScore(file: "a.wav", pesqWB: 2.5, siSDR: 10),
    UtteranceScore(file: "b.wav", siSDR: 100, error: "pesq_wb: the \"reference\" is silent"),
    UtteranceScore(file: "c, second take.wav", pesqWB: 1.5, siSDR: -4.25),
    UtteranceScore(file: "d.wav", pesqWB: 4.6439, siSDR: .infinity),
    UtteranceScore(file: "e.wav", error: "cannot be read"),
  ])

  @Test func csv() {
    #expect(
      table.csv == """
        file,pesq_wb,si_sdr,error
        a.wav,2.500000,10.000000,
        b.wav,,100.000000,"pesq_wb: the ""reference"" is silent"
        "c, second take.wav",1.500000,-4.250000,
        d.wav,4.643900,inf,
        e.wav,,,cannot be read

        """)
    #expect(ScoreTable().csv == "file,pesq_wb,si_sdr,error\n")
  }

  @Test(arguments: ["a\r\nb", "a\nb", "a\rb", " a", "a "]) func quotesWhatNeedsIt(_ name: String) {
    let csv = ScoreTable([UtteranceScore(file: name)]).csv
    #expect(csv == "file,pesq_wb,si_sdr,error\n\"\(name)\",,,\n")
  }

  @Test func meansAreOverScorableUtterances() throws {
    let pesq = try #require(table.mean(of: .pesqWB))
    #expect(abs(pesq.value - (2.5 + 1.5 + 4.6439) / 3) < 1e-12)
    #expect(pesq.count == 3 && pesq.infiniteCount == 0)
    // Not the 100 dB of the utterance without a PESQ score, nor the infinite one.
    let ratio = try #require(table.mean(of: .siSDR))
    #expect(ratio.value == 2.875 && ratio.count == 2 && ratio.infiniteCount == 1)
    #expect(ScoreTable().mean(of: .pesqWB) == nil)
  }

  @Test func summary() {
    #expect(
      table.summary == """
        scored 3/5
        pesq_wb 2.8813
        si_sdr 2.8750 (2 finite, 1 infinite left out)
        not scored:
          b.wav: pesq_wb: the "reference" is silent
          e.wav: cannot be read
        """)
    #expect(ScoreTable().summary == "scored 0/0\npesq_wb -\nsi_sdr -")
  }

  @Test func scoresPairs() throws {
    let pair = try GoldenCase.named("g02")
    let (reference, degraded) = try pair.signals()
    let scorer = PESQ.Scorer()
    let good = UtteranceScore(
      file: "good.wav", reference: reference, degraded: degraded, sampleRate: 16_000,
      scorer: scorer)
    #expect(good.error == nil)
    #expect(abs(try #require(good.pesqWB) - pair.pesqWB) < 0.001)
    #expect(abs(try #require(good.siSDR) - (try #require(pair.siSDR))) < 1e-6)

    let short = UtteranceScore(
      file: "short.wav", reference: Array(reference[10_000..<11_000]),
      degraded: Array(degraded[10_000..<11_000]), sampleRate: 16_000, scorer: scorer)
    #expect(short.pesqWB == nil && short.siSDR != nil)
    #expect(
      short.error == "pesq_wb: \(PESQError.tooShort(.reference, sampleCount: 1_000))")

    let silent = UtteranceScore(
      file: "silent.wav", reference: reference,
      degraded: [Float](repeating: 0, count: degraded.count), sampleRate: 16_000, scorer: scorer)
    #expect(
      silent.error
        == "pesq_wb: \(PESQError.silentDegraded); si_sdr: \(SISDRError.silentDegraded)")
  }
}
