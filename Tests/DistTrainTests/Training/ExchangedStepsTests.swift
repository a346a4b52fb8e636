import Checkpoints
import Communication
import Corpora
import DistTrain
import Exchange
import Foundation
import Models
import Recipes
import TestSupport
import Testing

/// How gradients travel changes no bit of a run, but for the wire formats that round.
@Suite(.serialized) struct ExchangedStepsTests {
  /// Losses of `steps` steps, and the weights after them, of each of `ranks` in-process ranks.
  private func run(
    _ settings: ExchangeSettings, ranks: Int, batch: Int, steps: Int = 3
  ) throws -> [(losses: [Double], values: [Float])] {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 24])
      let pairs = try PairedDataset(
        folder: corpus.folder.path(percentEncoded: false), split: .train
      ).pairs
      let model = try ModelConfiguration(
        parsing: Array(tinyModel.utf8), file: "tiny")
      return try LocalCommunicator.run(size: ranks) { communicator in
        let configuration = TrainingConfiguration(model: model) {
          $0.seed = 3
          $0.epochs = 20
          $0.batch = batch
          $0.ranks = ranks
          $0.cropSeconds = 0.5
        }
        let state = TrainingState(configuration)
        let trainer = try Trainer(
          configuration, state: state, pairs: pairs, exchange: settings, over: communicator)
        var losses: [Double] = []
        for step in 0..<steps {
          let epoch = step / trainer.stepsPerEpoch + 1
          let items = trainer.sampler(epoch: epoch)[step % trainer.stepsPerEpoch].items
          let result = try trainer.step(items, epoch: epoch)
          losses.append(result.lossSum / Double(result.itemCount))
        }
        #expect(state.adam.stepCount == steps)
        return (losses, Array(state.model.parameters.values.buffer))
      }
    }
  }

  @Test(arguments: [1, 2, 3])
  func bucketsOverlapAndItemsSideBySideChangeNothing(ranks: Int) throws {
    let plain = try run(ExchangeSettings(overlaps: false), ranks: ranks, batch: 3)
    for beside in [1, 2, 3, 5] {
      for bytes in [64, 4_096, 1 << 20] {
        var settings = ExchangeSettings(bucketBytes: bytes)
        settings.itemsBesideTransfer = beside
        for outcome in try run(settings, ranks: ranks, batch: 3) {
          let isSame = outcome.values == plain[0].values
          #expect(isSame, "\(beside) items side by side, buckets of \(bytes)")
          #expect(outcome.losses == plain[0].losses)
        }
      }
    }
  }

  /// 20 steps on 2 ranks: what the narrower formats do to the loss.
  @Test(arguments: [(WireFormat.float32, 1e-5), (.bf16, 1e-3)])
  func narrowFormatsKeepTheLoss(wire: WireFormat, limit: Double) throws {
    let exact = try run(ExchangeSettings(), ranks: 2, batch: 3, steps: 20)
    let rounded = try run(ExchangeSettings(wire: wire), ranks: 2, batch: 3, steps: 20)
    #expect(rounded[0].values == rounded[1].values, "the replicas differ")
    let isRounded = rounded[0].values != exact[0].values
    #expect(isRounded, "nothing was rounded, so nothing is tested")
    let worst = zip(rounded[0].losses, exact[0].losses).map { abs($0 - $1) / $1 }.max() ?? .nan
    #expect(worst <= limit, "\(wire): the loss is off by \(worst) of itself")
    // And it is training that is compared: the first epoch of four steps against the last.
    let losses = exact[0].losses
    #expect(losses.suffix(4).reduce(0, +) < losses.prefix(4).reduce(0, +))
  }
}
