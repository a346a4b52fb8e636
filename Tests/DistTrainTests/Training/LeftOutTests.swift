import Audio
import Checkpoints
import Communication
import Corpora
import DistTrain
import Foundation
import Models
import Recipes
import TestSupport
import Testing

/// Utterances that cannot be read in the middle of a run, with `--on-bad-file skip`.
@Suite(.serialized) struct LeftOutTests {
  private struct Outcome: Sendable {
    var weights: [[Float]] = []
    var losses: [Double] = []
    /// Names of the utterances that were left out of each step, on this rank.
    var leftOut: [[String]] = []
  }

  private func configuration(ranks: Int, batch: Int = 4) throws -> TrainingConfiguration {
    TrainingConfiguration(model: try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "t"))
    {
      $0.seed = 3
      $0.epochs = 2
      $0.batch = batch / ranks
      $0.ranks = ranks
      $0.cropSeconds = 0.5
    }
  }

  /// Runs `body` with twelve utterances, of which "u004" has lost its end and "u007" has samples
  /// that are not finite, since they were inspected.
  private func withDamage(_ body: (UtteranceIndex) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 12]).folder
      let noisy = corpus.file("train/noisy/u007.wav")
      let samples = try WaveFile.read(path: noisy).samples
      try WaveFile.write(samples, sampleRate: 16_000, to: noisy, encoding: .float32)
      let pairs = try PairedDataset(
        folder: corpus.path(percentEncoded: false), split: .train
      ).pairs
      var bytes = try Data(contentsOf: URL(fileURLWithPath: noisy))
      let start = bytes.count - 4 * samples.count
      for index in 0..<samples.count {
        bytes.replaceSubrange(
          start + 4 * index..<start + 4 * index + 4, with: [0, 0, 0xC0, 0x7F])
      }
      try bytes.write(to: URL(fileURLWithPath: noisy))
      let clean = URL(fileURLWithPath: corpus.file("train/clean/u004.wav"))
      try Data(contentsOf: clean).prefix(100).write(to: clean)
      try body(pairs)
    }
  }

  /// Trains both epochs, `without` some utterances from the start, and returns what each rank has.
  private func train(
    _ pairs: UtteranceIndex, ranks: Int, without: Set<String> = [], prefetching: Bool = true
  ) throws -> [Outcome] {
    let configuration = try configuration(ranks: ranks)
    return try LocalCommunicator.run(size: ranks) { communicator in
      let state = TrainingState(configuration)
      let trainer = try Trainer(
        configuration, state: state, pairs: pairs, onBadFile: .skip, over: communicator)
      if prefetching && without.isEmpty { trainer.startPrefetching() }
      defer { trainer.stopPrefetching() }
      var outcome = Outcome()
      for epoch in 1...2 {
        for step in 0..<trainer.stepsPerEpoch {
          let items = trainer.sampler(epoch: epoch)[step].items
            .filter { !without.contains(pairs.name($0)) }
          let result = try trainer.step(items, epoch: epoch)
          #expect(!result.isSkipped)
          outcome.losses.append(result.lossSum / Double(result.itemCount))
          outcome.weights.append(Array(state.model.parameters.values.buffer))
          outcome.leftOut.append(trainer.takeLeftOut().map(\.utterance))
        }
        state.progress.epoch += 1
        state.progress.stepInEpoch = 0
      }
      return outcome
    }
  }

  @Test func theStepIsThatOfTheOthersBitForBit() throws {
    try withDamage { pairs in
      let expected = try train(pairs, ranks: 1, without: ["u004", "u007"])[0]
      for prefetching in [true, false] {
        let found = try train(pairs, ranks: 1, prefetching: prefetching)[0]
        #expect(found.weights == expected.weights && found.losses == expected.losses)
        #expect(found.leftOut.flatMap { $0 }.sorted() == ["u004", "u004", "u007", "u007"])
        #expect(expected.leftOut.flatMap { $0 }.isEmpty)
      }
    }
  }

  @Test func anyNumberOfRanksLeavesOutTheSame() throws {
    try withDamage { pairs in
      let one = try train(pairs, ranks: 1)[0]
      for ranks in [2, 4] {
        let all = try train(pairs, ranks: ranks)
        for step in one.losses.indices {
          #expect(
            all.flatMap { $0.leftOut[step] }.sorted() == one.leftOut[step].sorted())
          #expect(abs(all[0].losses[step] - one.losses[step]) < 1e-6 * abs(one.losses[step]))
        }
        #expect(all.allSatisfy { $0.weights == all[0].weights })
        let last = zip(all[0].weights[5], one.weights[5]).map { abs($0 - $1) }.max() ?? 0
        #expect(last < 1e-5, "\(last)")
      }
    }
  }

  @Test func aStepWithoutAnyChangesNothing() throws {
    try withDamage { pairs in
      let configuration = try configuration(ranks: 1, batch: 1)
      let communicator = LocalCommunicator()
      let state = TrainingState(configuration)
      let trainer = try Trainer(
        configuration, state: state, pairs: pairs, onBadFile: .skip, over: communicator)
      let good = try #require(pairs.firstIndex { $0.name == "u000" })
      let bad = try #require(pairs.firstIndex { $0.name == "u004" })
      _ = try trainer.step([good], epoch: 1)
      let before = Array(state.model.parameters.values.buffer)
      let result = try trainer.step([bad], epoch: 1)
      #expect(result.itemCount == 0 && result.leftOutCount == 1 && !result.isSkipped)
      #expect(Array(state.model.parameters.values.buffer) == before)
      #expect(state.adam.stepCount == 1 && state.progress.step == 2)
      let crop = try #require(trainer.takeLeftOut().first)
      #expect(crop.path.hasSuffix("train/clean/u004.wav"))
      // Otherwise such a file ends the run.
      let strict = try Trainer(configuration, state: state, pairs: pairs, over: communicator)
      #expect(throws: (any Error).self) { try strict.step([bad], epoch: 1) }
    }
  }
}
