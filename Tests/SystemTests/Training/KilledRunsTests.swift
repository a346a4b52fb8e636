import DistTrain
import Files
import Foundation
import Loading
import Models
import ProgramTestSupport
import Recipes
import TestSupport
import Testing

/// Runs that are killed go on from their last checkpoint as if nothing had happened.
@Suite(.serialized) struct KilledRunsTests {
  @Test(arguments: [
    (1, "kill -9 $job"), (2, "kill -9 $(ranks | tail -n 1)"), (2, "kill -9 $job $(ranks)"),
  ])
  func goOnBitForBit(ranks: Int, harm: String) throws {
    try TrainingBench.use { bench in
      // Epochs of 12 steps: 17 lies inside one.
      let recipe = ["--epochs", "9", "--batch", "\(2 / ranks)"]
      let whole = try bench.train(ranks: ranks, run: "a", recipe + ["--stop-after", "28"])
      #expect(whole.status == 0, "\(whole)")
      let killed = try bench.train(
        ranks: ranks, run: "b", recipe + ["--checkpoint-every", "17", "--keep", "9"],
        until: "saved step 17 ", then: harm)
      #expect(killed.status == 137, "\(killed)")
      try bench.forgetCheckpoints("b", after: 17)
      let resumed = try bench.train(
        ranks: ranks, run: "b", recipe + ["--stop-after", "28", "--resume"])
      #expect(
        resumed.status == 0 && resumed.output.contains("continued after step 17"), "\(resumed)")
      try bench.expectEqual("a", "b")
    }
  }

  @Test func killedWhileWritingGoOnFromTheOneBefore() throws {
    try TrainingBench.use { bench in
      let recipe = ["--epochs", "9", "--batch", "2"]
      let whole = try bench.train(run: "a", recipe + ["--stop-after", "17"])
      #expect(whole.status == 0, "\(whole)")
      let killed = try bench.train(
        run: "b", recipe + ["--checkpoint-every", "1"],
        environment: ["DISTTRAIN_FAULT": "kill-in-checkpoint@step=15,rank=0"])
      #expect(killed.status == 137, "\(killed)")
      #expect(killed.output.contains("warning: a fault is injected on purpose"), "\(killed)")
      let names = try bench.folder.names(in: "b").filter { $0.hasPrefix("step-") }
      #expect(names.count == 3 && names[2].hasPrefix("step-00000015.safetensors.tmp-"))
      let resumed = try bench.train(run: "b", recipe + ["--stop-after", "17", "--resume"])
      #expect(resumed.output.contains("continued after step 14"), "\(resumed)")
      try bench.expectEqual("a", "b")
    }
  }

  @Test func goOnOnOtherNumbersOfRanks() throws {
    try TrainingBench.use { bench in
      func recipe(_ ranks: Int) -> [String] { ["--epochs", "2", "--batch", "\(4 / ranks)"] }
      let whole = try bench.train(ranks: 2, run: "a", recipe(2))
      #expect(whole.status == 0, "\(whole)")
      let killed = try bench.train(
        ranks: 2, run: "b", recipe(2) + ["--checkpoint-every", "1"],
        environment: ["DISTTRAIN_FAULT": "kill-in-checkpoint@step=10"])
      #expect(killed.status == 137, "\(killed)")
      let reference = try SafetensorsFile(data: bench.data("a", "last.safetensors"), path: "a")
      for ranks in [1, 4] {
        let run = "on\(ranks)"
        try FileManager.default.copyItem(
          at: bench.folder.appending(path: "b"), to: bench.folder.appending(path: run))
        let resumed = try bench.train(ranks: ranks, run: run, recipe(ranks) + ["--resume"])
        #expect(resumed.status == 0 && resumed.output.contains("after step 9"), "\(resumed)")
        let other = try SafetensorsFile(data: bench.data(run, "last.safetensors"), path: run)
        for entry in reference.entries where !entry.name.hasPrefix("adam.") {
          let values = try #require(other.tensors[entry.name]).floats()
          expectClose(values, try entry.floats(), 1e-5, "\(entry.name) on \(ranks) ranks")
        }
        #expect(other.metadata["adam.step"] == "12")
      }
    }
  }

  /// The contents of a global batch, from any step on, do not depend on the rank that computes
  /// them.
  @Test(arguments: [(2, 1), (2, 4), (4, 3), (1, 12)])
  func globalBatchesHoldTheSameUtterances(before: Int, after: Int) throws {
    let model = try ModelConfiguration(
      parsing: Array(tinyModel.utf8), file: "tiny")
    // 26 utterances in global batches of 12: the last one of an epoch is uneven.
    func steps(ranks: Int, from step: Int) -> [[String]] {
      let configuration = TrainingConfiguration(model: model) {
        $0.seed = 5
        $0.epochs = 3
        $0.batch = 12 / ranks
        $0.ranks = ranks
      }
      return (step..<9).map { index in
        (0..<ranks).flatMap { rank in
          UtteranceOrder(configuration, utteranceCount: 26, worldSize: ranks, rank: rank)
            .visits(afterEpochs: index / 3, steps: index % 3, stepCount: 1)
            .map { "\($0.item) in \($0.epoch)" }
        }.sorted()
      }
    }
    let whole = steps(ranks: before, from: 0)
    #expect(whole.map(\.count) == [12, 12, 2, 12, 12, 2, 12, 12, 2])
    #expect(Set(whole[0] + whole[1] + whole[2]).count == 26)
    for step in 0..<9 { #expect(steps(ranks: after, from: step) == Array(whole[step...])) }
  }

  @Test func damagedCheckpointsAreToldOfAndPassedOver() throws {
    try TrainingBench.use { bench in
      let recipe = ["--epochs", "3", "--batch", "2"]
      #expect(try bench.train(ranks: 2, run: "a", recipe).status == 0)
      #expect(try bench.train(ranks: 2, run: "b", recipe + ["--stop-after", "9"]).status == 0)
      let newest = bench.folder.appending(path: "b/step-00000009.safetensors")
      func damage(_ url: URL) throws {
        var data = try Data(contentsOf: url)
        data[data.count / 3] ^= 32
        try data.write(to: url)
      }
      try damage(newest)
      // Epoch 1 is of the checkpoint that is left; steps 7 to 9 come again.
      let resumed = try bench.train(ranks: 2, run: "b", recipe + ["--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      let warning = "warning: \(bench.folder.file("b/step-00000009.safetensors")): the checkpoint "
      #expect(occurrences(of: warning, in: resumed.output) == 1, "\(resumed)")
      #expect(resumed.output.contains("going on from step 6 "), "\(resumed)")
      let fallback = try #require(try bench.events("b", "fallback").first)
      #expect(fallback["step"] as? Int == 6)
      #expect((fallback["reason"] as? String)?.contains("checksum") == true)
      try bench.expectEqual("a", "b")

      let files = try bench.folder.names(in: "b").filter { $0.hasPrefix("step-") }
      #expect(files.count == 2)
      for file in files { try damage(bench.folder.appending(path: "b/\(file)")) }
      func contents() throws -> [Data] {
        try bench.folder.names(in: "b").map { try bench.data("b", $0) }
      }
      let before = try contents()
      let none = try bench.train(ranks: 2, run: "b", recipe + ["--resume"])
      #expect(none.status == 1 && none.output == "", "\(none)")
      #expect(occurrences(of: "no checkpoint can be resumed", in: none.errors) == 1, "\(none)")
      for file in files { #expect(none.errors.contains(file), "\(none)") }
      #expect(try contents() == before, "a refused command changed the run")
    }
  }
}
