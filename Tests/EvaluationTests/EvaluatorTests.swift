import Audio
import Communication
import Corpora
import Evaluation
import Foundation
import Metrics
import Synchronization
import Testing
import TestSupport

/// The evaluator as a library, with ranks inside this process.
@Suite struct EvaluatorTests {
  private func pairs(_ folder: URL, count: Int) throws -> [UtterancePair] {
    let corpus = try FixtureCorpus(in: folder, splits: ["valid": count])
    return Array(
      try PairedDataset(
        folder: corpus.folder.path(percentEncoded: false), split: .valid
      ).pairs)
  }

  private func evaluations(_ pairs: [UtterancePair], ranks: Int) throws -> [Evaluation] {
    try LocalCommunicator.run(size: ranks) { communicator in
      try Evaluator(model: EnhanceFixture.model(), pairs: pairs, over: communicator).evaluate()
    }
  }

  @Test func resultIsThatOfEveryUtteranceAlone() throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 4)
      let evaluation = try #require(try evaluations(pairs, ranks: 1).first)
      let enhancer = try Enhancer(EnhanceFixture.model())
      #expect(evaluation.utterances.map(\.name) == ["u000", "u001", "u002", "u003"])
      for (pair, utterance) in zip(pairs, evaluation.utterances) {
        let clean = try RecordingReader().read(pair.clean, sampleRate: 16_000)
        let noisy = try RecordingReader().read(pair.noisy, sampleRate: 16_000)
        func score(_ degraded: [Float]) -> UtteranceScore {
          UtteranceScorer(.validation).score(
            file: pair.name, reference: clean, degraded: degraded, sampleRate: 16_000)
        }
        #expect(utterance.noisy == score(noisy))
        #expect(utterance.enhanced == score(try enhancer.enhance(noisy)))
        #expect(utterance.noisy.pesqWB != utterance.enhanced.pesqWB)
        #expect(utterance.loss > 0.01 && utterance.loss < 1)
      }
      let means = try #require(evaluation.means(of: .pesqWB))
      let scores = evaluation.utterances.compactMap(\.enhanced.pesqWB)
      #expect(means.count == 4 && evaluation.scored == 4 && evaluation.total == 4)
      #expect(abs(means.enhanced - scores.reduce(0, +) / 4) < 1e-12)
      #expect(abs(means.noisy - (1.326521 + 1.155214 + 1.288807 + 1.220211) / 4) < 1e-5)
    }
  }

  @Test func anotherScaleOfTheSamplesIsNoticedOnEveryRank() throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 3)
      let path = pairs[1].noisy.description
      try WaveFile.write(
        try WaveFile.read(path: path).samples.map { $0 * 32_768 }, sampleRate: 16_000, to: path,
        encoding: .float32)
      for evaluation in try evaluations(pairs, ranks: 2) {
        let levels = evaluation.utterances.map(\.oddLevel)
        #expect(levels[0] == nil && levels[2] == nil)
        #expect(levels[1]?.name == path && (levels[1]?.peak ?? 0) > 1000)
      }
    }
  }

  @Test func oneRankThatStopsMakesAllLeaveWithoutScores() throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 7)
      let outcomes = try LocalCommunicator.run(size: 3) { communicator in
        let evaluator = try Evaluator(
          model: EnhanceFixture.model(), pairs: pairs, over: communicator)
        var asked = 0
        let stopped = try evaluator.evaluate(
          until: {
            asked += 1
            return communicator.rank == 1 && asked == 2
          })
        // The next one is whole again.
        return (stopped, asked, try evaluator.evaluate())
      }
      let whole = try #require(try evaluations(pairs, ranks: 1).first)
      for (stopped, asked, evaluation) in outcomes {
        #expect(stopped == nil && asked >= 2)
        #expect(evaluation == whole)
      }
    }
  }

  @Test(arguments: [2, 3, 5, 8]) func anyNumberOfRanksGetsTheSame(ranks: Int) throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 6)
      let one = try #require(try evaluations(pairs, ranks: 1).first)
      let all = try evaluations(pairs, ranks: ranks)
      #expect(all.count == ranks)
      for evaluation in all { #expect(evaluation == one) }
    }
  }

  @Test(arguments: [2, 3, 7]) func anyNumberOfThreadsGetsTheSame(threads: Int) throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 6)
      func evaluator(_ threads: Int, _ crop: RandomCrop? = nil) throws -> Evaluator {
        try Evaluator(
          model: EnhanceFixture.model(), pairs: pairs, over: LocalCommunicator(), metrics: .all,
          threads: threads, crop: crop)
      }
      let one = try evaluator(1).evaluate()
      let many = try evaluator(threads)
      var seen: [Int] = []
      #expect(try many.evaluate { seen.append($0.completed) } == one)
      #expect(seen == Array(0...6))
      // With the noisy scores known, and of crops.
      #expect(try many.evaluate() == one)
      let crop = RandomCrop(sampleCount: 32_000, seed: 5)
      let crops = try evaluator(1, crop).evaluate()
      #expect(try evaluator(threads, crop).evaluate() == crops && crops != one)
      #expect(one.utterances.allSatisfy { $0.enhanced[.covl] != nil && $0.fault == nil })

      // Stopped in between it has no result, and the next one is whole.
      var asked = 0
      let stopped = try many.evaluate(
        until: {
          asked += 1
          return asked == 3
        })
      #expect(stopped == nil && asked == 3)
      #expect(try many.evaluate() == one)
      #expect(try many.evaluate(until: { true }) == nil)

      // The first in order that cannot be read is named, whoever comes first.
      try FileManager.default.removeItem(atPath: pairs[4].clean.description)
      try BadWave.stereo.write(to: pairs[2].noisy.description)
      let failure = #expect(throws: RootFailure.self) { try evaluator(threads).evaluate() }
      #expect(
        failure?.description.hasPrefix(
          "utterance u002: \(pairs[2].noisy): \(BadWave.stereo.text); or leave") == true)
    }
  }

  @Test func noisyScoresStayAndEnhancedOnesFollowTheWeights() throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 2)
      let model = try EnhanceFixture.model()
      let evaluator = try Evaluator(model: model, pairs: pairs, over: LocalCommunicator())
      let first = try evaluator.evaluate()
      #expect(try evaluator.evaluate() == first)
      for parameter in model.parameters.parameters where parameter.name.hasPrefix("decoder") {
        for i in 0..<parameter.count { parameter.value[i] *= -0.7 }
      }
      let second = try evaluator.evaluate()
      for (before, after) in zip(first.utterances, second.utterances) {
        #expect(before.noisy == after.noisy)
        #expect(before.enhanced != after.enhanced && before.loss != after.loss)
      }
    }
  }

  @Test func brokenWeightsLeaveNothingToScore() throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 2)
      let model = try EnhanceFixture.model()
      model.parameters.parameters.last?.value[0] = .nan
      let evaluation = try Evaluator(
        model: model, pairs: pairs, over: LocalCommunicator()
      ).evaluate()
      #expect(evaluation.scored == 0 && evaluation.total == 2)
      #expect(evaluation.means(of: .pesqWB) == nil && evaluation.means(of: .siSDR) == nil)
      #expect(evaluation.loss?.isNaN == true)
      #expect(evaluation.unscorable.map(\.name) == ["u000", "u001"])
      #expect(evaluation.unscorable.allSatisfy { $0.reason.hasPrefix("enhanced: ") })
    }
  }

  @Test func anUnreadableUtteranceIsLeftOutIfAsked() throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 3)
      let file = URL(fileURLWithPath: folder.file("corpus/valid/noisy/u001.wav"))
      try Data(contentsOf: file).prefix(5000).write(to: file)
      for ranks in [1, 2] {
        let all = try LocalCommunicator.run(size: ranks) { communicator in
          try Evaluator(
            model: EnhanceFixture.model(), pairs: pairs, over: communicator, onBadFile: .skip
          ).evaluate()
        }
        for evaluation in all {
          #expect(evaluation.total == 3 && evaluation.scored == 2)
          #expect(evaluation.unscorable.map(\.name) == ["u001"])
          #expect(evaluation.unscorable[0].reason.contains("u001.wav: truncated"))
          #expect(evaluation.loss?.isFinite == true)
        }
      }
      #expect(throws: RootFailure.self) { try evaluations(pairs, ranks: 1) }
    }
  }

  @Test func silenceIsInNoMean() throws {
    try withTemporaryFolder { folder in
      let without = try #require(try evaluations(try pairs(folder, count: 2), ranks: 1).first)
      let silence = [Float](repeating: 0, count: 20_000)
      for side in ["clean", "noisy"] {
        try WaveFile.write(
          silence, sampleRate: 16_000, to: folder.file("corpus/valid/\(side)/u000a.wav"))
      }
      let pairs = Array(
        try PairedDataset(folder: folder.file("corpus"), split: .valid).pairs)
      #expect(pairs.map(\.name) == ["u000", "u000a", "u001"])
      for evaluation in try evaluations(pairs, ranks: 2) {
        #expect(evaluation.scored == 2 && evaluation.total == 3)
        #expect(evaluation.means(of: .pesqWB) == without.means(of: .pesqWB))
        #expect(evaluation.means(of: .siSDR) == without.means(of: .siSDR))
        let missing = try #require(evaluation.unscorable.first)
        #expect(missing.name == "u000a" && missing.reason.contains("reference signal is silent"))
      }
    }
  }

  @Test(arguments: [1, 2, 3]) func unreadableFileEndsAllRanksWithItsName(ranks: Int) throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 6)
      // They were whole when the corpus was inspected.
      try FileManager.default.removeItem(atPath: pairs[4].clean.description)
      try BadWave.stereo.write(to: pairs[2].noisy.description)
      let texts = Mutex<[String]>([])
      _ = try LocalCommunicator.run(size: ranks) { communicator in
        let evaluator = try Evaluator(
          model: EnhanceFixture.model(), pairs: pairs, over: communicator)
        do {
          _ = try evaluator.evaluate()
        } catch let failure as RootFailure {
          #expect(failure.isOwn == communicator.isRoot)
          texts.withLock { $0.append(failure.description) }
        }
      }
      // The first in the corpus's order, whoever met it.
      let expected =
        "utterance u002: \(pairs[2].noisy): \(BadWave.stereo.text); or leave such files out with "
        + "--on-bad-file skip"
      #expect(texts.withLock { $0 } == Array(repeating: expected, count: ranks))
    }
  }

  @Test func changedLengthIsNoticed() throws {
    try withTemporaryFolder { folder in
      var pairs = try pairs(folder, count: 1)
      pairs[0].sampleCount += 1
      let evaluator = try Evaluator(
        model: EnhanceFixture.model(), pairs: pairs, over: LocalCommunicator())
      let failure = #expect(throws: RootFailure.self) { try evaluator.evaluate() }
      #expect(failure?.description.contains("had 64001 when the corpus was inspected") == true)
    }
  }

  @Test func progressCountsThisRanksUtterances() throws {
    try withTemporaryFolder { folder in
      let pairs = try pairs(folder, count: 3)
      var seen: [Evaluator.Progress] = []
      _ = try Evaluator(model: EnhanceFixture.model(), pairs: pairs, over: LocalCommunicator())
        .evaluate { seen.append($0) }
      #expect(seen.map(\.completed) == [0, 1, 2, 3] && seen.allSatisfy { $0.total == 3 })
      let seconds = Double(pairs.reduce(0) { $0 + $1.sampleCount }) / 16_000
      #expect(abs((seen.last?.audioSeconds ?? 0) - seconds) < 1e-9)
    }
  }

  @Test func infiniteRatiosLeaveBothMeans() {
    func utterance(_ name: String, _ noisy: Double, _ enhanced: Double) -> Evaluation.Utterance {
      Evaluation.Utterance(
        noisy: UtteranceScore(file: name, values: [.pesqWB: 2, .siSDR: noisy]),
        enhanced: UtteranceScore(file: name, values: [.pesqWB: 3, .siSDR: enhanced]), loss: 0.5)
    }
    let evaluation = Evaluation([
      utterance("a", 1, 5), utterance("b", .infinity, 7), utterance("c", 3, -.infinity),
      utterance("d", 3, 9),
    ])
    #expect(evaluation.means(of: .siSDR) == .init(noisy: 2, enhanced: 7, count: 2))
    #expect(evaluation.means(of: .pesqWB) == .init(noisy: 2, enhanced: 3, count: 4))
    #expect(evaluation.scored == 4 && evaluation.loss == 0.5)
    #expect(Evaluation([]).loss == nil)
  }

  @Test(arguments: [1, 2, 3, 7, 64]) func sharesAreBalancedAndComplete(ranks: Int) {
    let lengths = (0..<50).map { 16_000 + ($0 * 7919) % 90_000 }
    let shares = WorkShares.deal(lengths: lengths, ranks: ranks)
    #expect(shares.count == ranks)
    #expect(shares.flatMap { $0 }.sorted() == Array(0..<50))
    for share in shares { #expect(share == share.sorted()) }
    let loads = shares.map { $0.reduce(0) { $0 + lengths[$1] } }
    let ideal = max(lengths.reduce(0, +) / ranks, lengths.max() ?? 0)
    #expect((loads.max() ?? 0) * 3 <= ideal * 4)
    #expect(WorkShares.deal(lengths: lengths, ranks: ranks) == shares)
    #expect(WorkShares.deal(lengths: [], ranks: 2) == [[], []])
    #expect(WorkShares.deal(lengths: [5, 5, 5], ranks: 2) == [[0, 2], [1]])
  }
}
