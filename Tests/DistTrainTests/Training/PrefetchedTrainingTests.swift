import Checkpoints
import Communication
import Corpora
import DistTrain
import Foundation
import Loading
import Models
import Recipes
import RunFiles
import TestSupport
import Testing

/// Reading crops ahead changes nothing but the time that steps wait.
@Suite struct PrefetchedTrainingTests {
  private func configuration(
    ranks: Int = 1, batch: Int = 2, epochs: Int = 3, stepsPerEpoch: Int? = nil
  ) throws -> TrainingConfiguration {
    TrainingConfiguration(
      model: try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    ) {
      $0.seed = 3
      $0.epochs = epochs
      $0.batch = batch
      $0.ranks = ranks
      $0.cropSeconds = 0.5
      $0.stepsPerEpoch = stepsPerEpoch
    }
  }

  private func withPairs(_ count: Int, _ body: (UtteranceIndex) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": count])
      try body(
        PairedDataset(folder: corpus.folder.path(percentEncoded: false), split: .train).pairs)
    }
  }

  /// Trains all epochs and returns the weights after each step, from `start` steps on prefetched.
  private func train(
    _ pairs: UtteranceIndex, ranks: Int, prefetching: Bool
  ) throws -> [[[Float]]] {
    let configuration = try configuration(ranks: ranks)
    return try LocalCommunicator.run(size: ranks) { communicator in
      let state = TrainingState(configuration)
      let trainer = try Trainer(configuration, state: state, pairs: pairs, over: communicator)
      if prefetching { trainer.startPrefetching() }
      defer { trainer.stopPrefetching() }
      var weights: [[Float]] = []
      for epoch in 1...configuration.epochs {
        for step in 0..<trainer.stepsPerEpoch {
          let result = try trainer.step(trainer.sampler(epoch: epoch)[step].items, epoch: epoch)
          #expect(result.dataSeconds >= 0 && result.dataSeconds.isFinite)
          weights.append(Array(state.model.parameters.values.buffer))
        }
        state.progress.epoch += 1
        state.progress.stepInEpoch = 0
      }
      #expect(trainer.waitedSeconds > 0)
      return weights
    }
  }

  // Seven utterances: the last global batch is uneven, and of three ranks one has nothing in it.
  @Test(arguments: [1, 2, 3]) func resultsAreThoseOfLoadingInLine(ranks: Int) throws {
    try withPairs(7) { pairs in
      let ahead = try train(pairs, ranks: ranks, prefetching: true)
      let inLine = try train(pairs, ranks: ranks, prefetching: false)
      #expect(ahead == inLine)
      #expect(ahead[0].count == 3 * ((7 + 2 * ranks - 1) / (2 * ranks)))
    }
  }

  /// The error of the first step that needs a file that is gone or cut since its inspection, and
  /// how many steps went well before.
  private func failure(
    _ pairs: UtteranceIndex, prefetching: Bool
  ) throws -> (error: RootFailure?, steps: Int) {
    let configuration = try configuration(batch: 1, epochs: 1)
    let state = TrainingState(configuration)
    let trainer = try Trainer(
      configuration, state: state, pairs: pairs, over: LocalCommunicator())
    if prefetching { trainer.startPrefetching() }
    var steps = 0
    let error = #expect(throws: RootFailure.self) {
      for step in 0..<trainer.stepsPerEpoch {
        _ = try trainer.step(trainer.sampler(epoch: 1)[step].items, epoch: 1)
        steps += 1
      }
    }
    return (error, steps)
  }

  @Test(arguments: [true, false]) func errorsComeToTheStepThatNeedsTheFile(isRemoved: Bool) throws {
    try withPairs(6) { pairs in
      let order = EpochOrder.permutation(seed: 3, epoch: 1, count: 6)
      let victim = pairs[Int(order[3])].noisy.description
      if isRemoved {
        try FileManager.default.removeItem(atPath: victim)
      } else {
        try FileHandle(forWritingTo: URL(fileURLWithPath: victim)).truncate(atOffset: 500)
      }
      let ahead = try failure(pairs, prefetching: true)
      let inLine = try failure(pairs, prefetching: false)
      #expect(ahead.error == inLine.error && ahead.steps == 3 && inLine.steps == 3)
      let text = try #require(ahead.error?.description)
      #expect(text.contains("a training file cannot be used: \(victim): "), "\(text)")
      if isRemoved {
        #expect(text == "\(LoadingError.unreadable(.missing(path: victim)))")
      }
    }
  }

  @Test func orderIsThatOfTheSteps() throws {
    let configuration = try configuration(ranks: 3, batch: 2, epochs: 4)
    for rank in 0..<3 {
      let order = UtteranceOrder(configuration, utteranceCount: 20, worldSize: 3, rank: rank)
      // 20 utterances in global batches of 6: four steps.
      let steps = (1...4).flatMap { epoch in
        (0..<4).map { step in
          order.sampler(epoch: epoch)[step].items.map {
            UtteranceOrder.Visit(item: $0, epoch: epoch)
          }
        }
      }
      for start in 0...16 {
        func visits(_ count: Int?) -> [UtteranceOrder.Visit] {
          Array(order.visits(afterEpochs: start / 4, steps: start % 4, stepCount: count))
        }
        #expect(visits(nil) == steps[start...].flatMap { $0 })
        #expect(visits(0).isEmpty)
        #expect(visits(5) == steps[start..<min(start + 5, 16)].flatMap { $0 })
        #expect(visits(100) == visits(nil))
      }
      // A run that stopped after an epoch's last step has not counted the epoch yet.
      #expect(Array(order.visits(afterEpochs: 0, steps: 4, stepCount: 1)) == steps[4])
    }
  }

  @Test func shortEpochsEndWhereTheStepsDo() throws {
    let configuration = try configuration(batch: 2, epochs: 2, stepsPerEpoch: 3)
    let order = UtteranceOrder(configuration, utteranceCount: 20, worldSize: 1, rank: 0)
    let visits = Array(order.visits(afterEpochs: 0, steps: 1, stepCount: nil))
    #expect(visits.map(\.epoch) == [1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
    let second = EpochOrder.permutation(seed: 3, epoch: 2, count: 20)
    #expect(visits.suffix(6).map(\.item) == second.prefix(6).map(Int.init))
  }

  @Test func longWaitsAreTold() {
    func warning(_ seconds: Double, of total: Double) -> String? {
      DataWait(seconds: seconds, trainingSeconds: total).warning(epoch: 3)
    }
    #expect(
      warning(12.34, of: 300)
        == "the steps of epoch 3 waited 12.3 s of 300.0 s (4.1%) for training audio; put the "
        + "corpus on a disk of the machine, or pack it into one file with disttrain prepare pack")
    #expect(warning(3.01, of: 300) != nil && warning(2.99, of: 300) == nil)
    // The first crop of a run of seconds.
    #expect(warning(0.9, of: 1) == nil && warning(1, of: 1) != nil)
  }
}
