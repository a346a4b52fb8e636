import Evaluation
import Metrics
import Testing

/// Published figures, and scores computed as the published runs did.
@Suite struct PublishedScoresTests {
  private func table(_ noisy: [[ScoreColumn: Double]]) -> ScoreTable {
    ScoreTable(
      noisy.indices.map { UtteranceScore(file: "\($0)", values: noisy[$0]) },
      noisy: noisy.indices.map { UtteranceScore(file: "\($0)", values: noisy[$0]) })
  }

  private let published: [ScoreColumn: Double] = [
    .pesqWB: 1.97, .csig: 3.35, .cbak: 2.44, .covl: 2.63, .ssnr: 1.68, .stoi: 0.921,
  ]

  @Test func noisySideIsHeldAgainstThePublishedRow() {
    let agreeing = table([published, published])
    #expect(PublishedNoisyScores.deviating(agreeing) == [])
    #expect(
      PublishedNoisyScores.verdict(agreeing) == "the noisy side agrees with the published figures")
    var other = published
    other[.pesqWB] = 2.03
    other[.ssnr] = -1.5
    #expect(PublishedNoisyScores.isAgreeing(agreeing) == true)
    #expect(PublishedNoisyScores.isAgreeing(table([published, other])) == false)
    let text = PublishedNoisyScores.verdict(table([published, other])) ?? ""
    #expect(text.hasPrefix("warning: "), "\(text)")
    #expect(text.contains("(pesq_wb 2.00 for 1.97, ssnr 0.09 for 1.68)"), "\(text)")
    // Every figure is accepted as printed.
    for (column, figure) in PublishedNoisyScores.figures {
      #expect(Double(figure.text).map(figure.accepted.contains) == true, "\(column)")
    }
    // A score that was not computed cannot agree; a table without its column has no verdict on it.
    var part = published
    part[.csig] = nil
    #expect(PublishedNoisyScores.deviating(table([part])) == [.csig])
    let few = ScoreTable(
      [UtteranceScore(file: "")], noisy: [UtteranceScore(file: "")], columns: [.siSDR])
    // Where nothing was compared there is no verdict.
    #expect(PublishedNoisyScores.verdict(few) == nil)
    #expect(PublishedNoisyScores.isAgreeing(few) == nil && PublishedNoisyScores.texts(few) == [:])
    // One figure is enough.
    let one = ScoreTable(
      [UtteranceScore(file: "")], noisy: [UtteranceScore(file: "", values: [.stoi: 0.91])],
      columns: [.siSDR, .stoi])
    #expect(PublishedNoisyScores.texts(one) == [.stoi: "0.91"])
  }

  @Test func testSetIsKnownByItsNames() {
    let names = (0..<824).map { index in
      (index % 2 == 0 ? "p232_" : "p257_") + String(1000 + index).suffix(3)
    }
    #expect(PublishedNoisyScores.isTestSet(names))
    #expect(!PublishedNoisyScores.isTestSet(Array(names.dropLast())))
    #expect(!PublishedNoisyScores.isTestSet(names.dropLast() + ["p226_001"]))
    #expect(!PublishedNoisyScores.isTestSet(names.dropLast() + ["p232_01"]))
    #expect(!PublishedNoisyScores.isTestSet([]))
  }

  private func crops(_ scores: [Double?]) -> Evaluation {
    Evaluation(
      scores.enumerated().map { index, score in
        Evaluation.Utterance(
          noisy: UtteranceScore(file: "\(index)", values: [.pesqWB: 1]),
          enhanced: UtteranceScore(
            file: "\(index)", values: score.map { [.pesqWB: $0] } ?? [:],
            error: score == nil ? "silent" : nil), loss: 0.1)
      })
  }

  @Test func aCropWithoutAScoreTakesItsBatchAlong() {
    let whole = PublishedCropScores(crops((0..<14).map { 2 + Double($0) / 10 }), seed: 9)
    #expect(whole.scored == 14 && whole.total == 14 && whole.droppedBatches == 0)
    #expect(abs((whole.pesqWB ?? 0) - 2.65) < 1e-12 && whole.noisyPESQWB == 1 && whole.seed == 9)
    // The second of three batches, which are of 6, 6 and 2.
    let holed = PublishedCropScores(
      crops((0..<14).map { $0 == 8 ? nil : 2 + Double($0) / 10 }), seed: 0)
    #expect(holed.scored == 8 && holed.total == 14 && holed.droppedBatches == 1)
    #expect(abs((holed.pesqWB ?? 0) - (6 * 2.25 + 2 * 3.25) / 8) < 1e-12)
    let none = PublishedCropScores(crops([nil]), seed: 0)
    #expect(none.pesqWB == nil && none.scored == 0 && none.droppedBatches == 1)
    for scores in [whole, holed, none] {
      // The epoch line's words are not for other lines.
      #expect(!scores.line.contains("PESQ") && !scores.line.contains("\n"))
      #expect(scores.line.contains("not comparable"))
    }
  }
}
