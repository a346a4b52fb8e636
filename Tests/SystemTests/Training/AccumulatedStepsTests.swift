import Checkpoints
import Communication
import Corpora
import DistTrain
import Exchange
import Files
import Foundation
import Models
import Recipes
import TestSupport
import Testing

/// Steps of several batches between which nothing is exchanged.
@Suite(.serialized) struct AccumulatedStepsTests {
  private func tensors(_ bench: TrainingBench, _ run: String) throws -> [String: [Float]] {
    let file = try SafetensorsFile(data: bench.data(run, "last.safetensors"), path: run)
    return try file.tensors.mapValues { try $0.floats() }
  }

  @Test func areThoseOfOneLargeBatchBitForBit() throws {
    // 22 utterances in global batches of 12: the last one of an epoch is uneven.
    try TrainingBench.use(train: 22) { bench in
      let large = ["--epochs", "4", "--batch", "6"]
      let parts = ["--epochs", "4", "--batch", "3", "--accumulate", "2"]
      let whole = try bench.train(ranks: 2, run: "large", large)
      #expect(whole.status == 0 && whole.output.contains("batch 6 per rank"), "\(whole)")
      let other = try bench.train(ranks: 2, run: "parts", parts)
      #expect(other.status == 0, "\(other)")
      #expect(
        other.output.contains("ranks 2, batch 3 × 2 accumulated per rank, global batch 12,"),
        "\(other)")
      #expect(try bench.events("parts", "step").count == 8)

      // In the middle of an epoch from one form to the other, and on.
      let first = try bench.train(ranks: 2, run: "both", large + ["--stop-after", "3"])
      #expect(first.status == 0, "\(first)")
      let second = try bench.train(ranks: 2, run: "both", parts + ["--resume"])
      #expect(second.status == 0 && second.output.contains("after step 3"), "\(second)")

      let expected = try tensors(bench, "large")
      for run in ["parts", "both"] {
        let isSame = try tensors(bench, run) == expected
        #expect(isSame, "\(run) differs from one large batch")
        #expect(try bench.history(run) == bench.history("large"))
      }

      let refused = try bench.train(
        ranks: 2, run: "both", ["--epochs", "5", "--batch", "3", "--accumulate", "3", "--resume"])
      #expect(
        refused.errors.contains("ranks × --batch × --accumulate (18 here, 12 in the checkpoint)"),
        "\(refused)")
    }
  }

  @Test func exchangeOnceAStep() throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 12])
      let pairs = try PairedDataset(
        folder: corpus.folder.path(percentEncoded: false), split: .train
      ).pairs
      let model = try ModelConfiguration(
        parsing: Array(tinyModel.utf8), file: "tiny")
      func reductions(batch: Int, accumulate: Int) throws -> [Int] {
        let configuration = TrainingConfiguration(model: model) {
          $0.epochs = 1
          $0.batch = batch
          $0.accumulate = accumulate
          $0.cropSeconds = 0.5
        }
        let communicator = CountingCommunicator()
        let trainer = try Trainer(
          configuration, state: TrainingState(configuration), pairs: pairs,
          exchange: ExchangeSettings(wire: .float32), over: communicator)
        return try (0..<trainer.stepsPerEpoch).map { step in
          let before = communicator.reductions
          let items = trainer.sampler(epoch: 1)[step].items
          #expect(items.count == batch * accumulate)
          _ = try trainer.step(items, epoch: 1)
          return communicator.reductions - before
        }
      }
      // The count of items, and the model's one bucket of gradients.
      #expect(try reductions(batch: 2, accumulate: 3) == [2, 2])
      #expect(try reductions(batch: 2, accumulate: 1) == [2, 2, 2, 2, 2, 2])
    }
  }

  @Test func configurationsOfEarlierVersionsHaveOneBatchAStep() throws {
    let model = try ModelConfiguration(
      parsing: Array(tinyModel.utf8), file: "tiny")
    var configuration = TrainingConfiguration(model: model) {
      $0.seed = 3
      $0.batch = 5
      $0.ranks = 2
      $0.warmupSteps = 4
      $0.averageDecay = 0.5
      $0.stepsPerEpoch = 7
    }
    let text = try configuration.json()
    let line = "  \"accumulate\" : 1,\n"
    #expect(occurrences(of: line, in: text) == 1)
    let older = Data(text.replacing(line, with: "").utf8)
    #expect(try JSONDecoder().decode(TrainingConfiguration.self, from: older) == configuration)
    configuration.accumulate = 3
    let newer = Data(try configuration.json().utf8)
    #expect(try JSONDecoder().decode(TrainingConfiguration.self, from: newer) == configuration)
    #expect(configuration.globalBatch == 30)
  }
}

/// A single rank that counts its reductions.
private final class CountingCommunicator: Communicator {
  private let alone = LocalCommunicator()
  private(set) var reductions = 0

  var rank: Int { alone.rank }
  var worldSize: Int { alone.worldSize }
  var hostRank: Int { alone.hostRank }
  var hostSize: Int { alone.hostSize }
  func startReduction(_ reduction: Reduction, times: ReductionTimes?) {
    reductions += 1
    alone.startReduction(reduction, times: times)
  }
  func finishReductions() throws(CommunicationError) -> Double { try alone.finishReductions() }
  func barrier() throws(CommunicationError) { try alone.barrier() }
  func broadcast(
    _ values: UnsafeMutableBufferPointer<Float>, root: Int
  ) throws(CommunicationError) { try alone.broadcast(values, root: root) }
  func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8] {
    try alone.broadcast(bytes, root: root)
  }
  func allReduceSum(_ values: UnsafeMutableBufferPointer<Double>) throws(CommunicationError) {
    try alone.allReduceSum(values)
  }
  func allReduceMax(_ value: Int64) throws(CommunicationError) -> Int64 {
    try alone.allReduceMax(value)
  }
  func allReduceMin(_ value: Int64) throws(CommunicationError) -> Int64 {
    try alone.allReduceMin(value)
  }
  func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]? {
    try alone.gather(bytes, root: root)
  }
  func allGather(_ value: UInt64) throws(CommunicationError) -> [UInt64] {
    try alone.allGather(value)
  }
  func abort(code: Int32, message: String) -> Never { alone.abort(code: code, message: message) }
  func finalize() throws(CommunicationError) { try alone.finalize() }
}
