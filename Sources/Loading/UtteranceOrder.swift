import Corpora
import Recipes

/// Which utterances one rank takes in which step: a pure function of the recipe, so that what is
/// needed next is known ahead.
package struct UtteranceOrder: Sendable, Equatable {
  /// An utterance of an epoch, whose crop is a function of both.
  package struct Visit: Sendable, Equatable {
    /// Index of the utterance.
    package var item: Int
    /// The epoch, from 1.
    package var epoch: Int

    /// Visit to utterance `item`, counted from 0, in `epoch`, counted from 1.
    package init(item: Int, epoch: Int) {
      self.item = item
      self.epoch = epoch
    }
  }

  private let seed: UInt64
  private let itemsPerRank: Int
  private let epochs: Int
  private let stepsPerEpoch: Int
  private let utteranceCount: Int
  private let worldSize: Int
  private let rank: Int

  /// The order of `rank` over `utteranceCount` utterances.
  package init(
    _ configuration: TrainingConfiguration, utteranceCount: Int, worldSize: Int, rank: Int
  ) {
    seed = configuration.seed
    itemsPerRank = configuration.itemsPerRank
    epochs = configuration.epochs
    stepsPerEpoch = Self.stepsPerEpoch(configuration, utterances: utteranceCount)
    self.utteranceCount = utteranceCount
    self.worldSize = worldSize
    self.rank = rank
  }

  /// Steps in one epoch: all global batches of the split, or as many as the recipe says.
  package static func stepsPerEpoch(
    _ configuration: TrainingConfiguration, utterances: Int
  ) -> Int {
    let all = (utterances + configuration.globalBatch - 1) / configuration.globalBatch
    return min(all, configuration.stepsPerEpoch ?? all)
  }

  /// The shares of `epoch`.
  package func sampler(epoch: Int) -> ShardedSampler {
    ShardedSampler(
      order: EpochOrder.permutation(seed: seed, epoch: epoch, count: utteranceCount),
      worldSize: worldSize, rank: rank, batchSize: itemsPerRank)
  }

  /// This rank's utterances from a point of the run on, in the order of their use: those of
  /// `stepCount` steps, or up to the end of the last epoch. The point is the number of epochs that
  /// are done and of steps in the next one.
  package func visits(
    afterEpochs epochsDone: Int, steps stepsDone: Int, stepCount: Int?
  ) -> some Sequence<Visit> & Sendable {
    Visits(order: self, epoch: epochsDone + 1, step: stepsDone, stepsLeft: stepCount ?? .max)
  }

  private struct Visits: Sequence, IteratorProtocol, Sendable {
    let order: UtteranceOrder
    var epoch: Int
    var step: Int
    var stepsLeft: Int
    var sampler: ShardedSampler?
    var items: ArraySlice<Int> = []

    mutating func next() -> Visit? {
      while true {
        if let item = items.popFirst() { return Visit(item: item, epoch: epoch) }
        if step == order.stepsPerEpoch {
          epoch += 1
          step = 0
          sampler = nil
        }
        if stepsLeft <= 0 || epoch > order.epochs { return nil }
        let current = sampler ?? order.sampler(epoch: epoch)
        sampler = current
        items = current[step].items[...]
        step += 1
        stepsLeft -= 1
      }
    }
  }
}
