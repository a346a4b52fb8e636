import Checkpoints
import DistTrain
import Exchange
import Foundation
import Models
import ProgramTestSupport
import Recipes
import RunTestSupport
import TestSupport
import Testing

/// `disttrain train --trace` on real ranks.
@Suite(.serialized) struct TraceRunsTests {
  private func buckets(_ bench: TrainingBench, bytes: Int) throws -> Int {
    let model = try Preset.load(bench.folder.file("tiny.json"))
    let state = TrainingState(TrainingConfiguration(model: model))
    return GradientBuckets(count: state.model.parameters.count, bucketBytes: bytes).ranges.count
  }

  @Test(arguments: [1, 2, 3]) func everyRankTellsWhatItDid(ranks: Int) throws {
    try TrainingBench.use { bench in
      let recipe = [
        "--epochs", "1", "--batch", "2", "--bucket-mb", "0.01", "--checkpoint-every", "2steps",
        // On two ranks both utterances go backward side by side.
        "--overlap-memory", ranks == 2 ? "100" : "0",
      ]
      let outcome = try bench.train(
        ranks: ranks, run: "traced",
        recipe + ["--trace", "trace.json", "--trace-after", "1", "--trace-steps", "2"])
      #expect(outcome.status == 0, "\(outcome)")
      let file = try TraceFile(try Data(contentsOf: bench.folder.appending(path: "trace.json")))
      let place =
        ranks == 1 ? "1 rank: trace.json" : "\(ranks) ranks: trace.json (clocks agree within "
      #expect(
        occurrences(of: "trace of steps 2 to 3 on \(place)", in: outcome.output) == 1,
        "\(outcome)")
      #expect(file.crossings == [])
      #expect(Set(file.events.map(\.rank)) == Set(0..<ranks))
      // A single rank has its sums already: only the count of utterances is told to itself.
      let travelling = ranks == 1 ? 0 : try buckets(bench, bytes: 10_000)
      #expect(ranks == 1 || travelling > 2)
      for rank in 0..<ranks {
        #expect(file.processes[rank]?.hasPrefix("rank \(rank) (host ") == true)
        #expect(file.threads[rank]?[0] == "main thread" && file.threads[rank]?[1] == "exchange")
        for number in [2, 3] {
          let events = file.events.filter { $0.rank == rank && $0.step == number }
          func count(_ part: String) -> Int { events.filter { $0.part == part }.count }
          let step = try #require(events.first { $0.part == "step" })
          #expect(step.name == "step \(number)" && count("step") == 1)
          #expect(count("load") == 2 && count("forward") == 2)
          #expect(count("backward") == (ranks == 2 ? 1 : 2))
          for part in ["wait for the exchange", "mean gradient", "clip", "agreement", "Adam"] {
            #expect(count(part) == 1, "\(part) on rank \(rank)")
          }
          #expect(count("utterance count") == 1)
          // Written after the step, and the next one begins after it.
          #expect(count("save checkpoint") == (number == 2 ? 1 : 0))
          let found = events.filter { $0.part == "bucket" }
          #expect(
            found.compactMap { $0.arguments["bucket"] }.sorted() == Array(1..<(travelling + 1)))
          #expect(
            events.allSatisfy { event in
              event.part == "save checkpoint"
                ? event.start >= step.end - 1e-3
                : event.start >= step.start - 1e-3 && event.end <= step.end + 1e-3
            })
          #expect(found.allSatisfy { $0.thread > 0 })
        }
      }
      // By one clock, the ranks take a step at the same time: they wait for each other's gradients.
      for number in [2, 3] {
        let steps = file.events.filter { $0.part == "step" && $0.step == number }
        let lastBegin = steps.map(\.start).max() ?? .infinity
        let firstEnd = steps.map(\.end).min() ?? 0
        #expect(lastBegin < firstEnd, "step \(number)")
      }
      // Ranks of one host have one clock, so that what was measured must allow zero.
      let offsets = try #require(file.facts["clock_offsets_ms"] as? [Double])
      let bounds = try #require(file.facts["clock_bounds_ms"] as? [Double])
      #expect(offsets.count == ranks && bounds.count == ranks && offsets[0] == 0)
      #expect(zip(offsets, bounds).allSatisfy { abs($0) <= $1 + 1e-9 }, "\(offsets) \(bounds)")
      if ranks > 1 { #expect(file.facts["clock_rounds"] as? Int ?? 0 > 10) }

      let plain = try bench.train(ranks: ranks, run: "plain", recipe)
      #expect(plain.status == 0 && !plain.output.contains("trace of"), "\(plain)")
      try bench.expectEqual("traced", "plain")
    }
  }

  @Test func aRunThatStopsInTheWindowIsTracedSoFar() throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: 2, run: "run",
        [
          "--epochs", "9", "--batch", "2", "--stop-after", "3", "--trace", "run/trace.json",
          "--trace-after", "2", "--trace-steps", "10",
        ])
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.contains("trace of step 3 on 2 ranks: run/trace.json"), "\(outcome)")
      let file = try TraceFile(try bench.data("run", "trace.json"))
      #expect(file.events.filter { $0.part == "step" }.map(\.name) == ["step 3", "step 3"])
      #expect(file.events.filter { $0.part == "save checkpoint" }.count == 2)

      // Steps of this start are counted: the first of the resumed run, across the end of an epoch.
      let resumed = try bench.train(
        ranks: 2, run: "run",
        [
          "--epochs", "9", "--batch", "2", "--stop-after", "8", "--resume", "--trace",
          "run/trace.json", "--trace-after", "1", "--trace-steps", "3",
        ])
      #expect(resumed.output.contains("trace of steps 5 to 7 on 2 ranks"), "\(resumed)")
      let second = try TraceFile(try bench.data("run", "trace.json"))
      #expect(second.crossings == [])
      #expect(second.events.filter { $0.part == "validation" }.map(\.step) == [6, 6])
    }
  }

  @Test func aRunThatFailsInTheWindowIsTracedSoFar() throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        ranks: 2, run: "run",
        [
          "--epochs", "500", "--batch", "2", "--checkpoint-every", "2steps", "--trace",
          "trace.json",
          "--trace-after", "0", "--trace-steps", "1000",
        ], until: "saved step 4", then: "rm -r corpus/train")
      #expect(outcome.status == 1 && !outcome.timedOut, "\(outcome)")
      #expect(outcome.output.contains("trace of steps 1 to "), "\(outcome)")
      let file = try TraceFile(Data(contentsOf: bench.folder.appending(path: "trace.json")))
      let steps = [0, 1].map { rank in
        file.events.filter { $0.rank == rank && $0.part == "step" }.map(\.step)
      }
      #expect(steps[0] == Array(1...(steps[0].last ?? 1)) && steps[0] == steps[1])
      // The last one failed while it loaded on some rank, and nobody's weights were changed.
      let last = file.events.filter { $0.step == steps[0].last }
      #expect(!last.contains { $0.part == "Adam" } && last.contains { $0.part == "agreement" })
    }
  }

  @Test func aRunThatEndsBeforeTheWindowSaysSo() throws {
    try TrainingBench.use { bench in
      let outcome = try bench.train(
        run: "run", ["--epochs", "1", "--batch", "2", "--stop-after", "2", "--trace", "trace.json"])
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.contains("no trace: this start took 2 steps"), "\(outcome)")
      #expect(!FileManager.default.fileExists(atPath: bench.folder.file("trace.json")))
    }
  }

  @Test func aFileThatCannotBeWrittenIsKnownBeforeTraining() throws {
    try TrainingBench.use { bench in
      for more in [[], ["--dry-run"]] {
        let outcome = try bench.train(
          ranks: 2, run: "run", ["--batch", "2", "--trace", "none/trace.json"] + more)
        #expect(outcome.status == 1 && !outcome.timedOut)
        let text = "none/trace.json could not be written: its folder does not exist"
        #expect(occurrences(of: text, in: outcome.errors + outcome.output) == 1, "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: bench.folder.file("run")))
      }
      let folder = try bench.train(run: "run", ["--batch", "2", "--trace", "."])
      #expect(folder.status == 1 && folder.errors.contains("is no regular file"), "\(folder)")
    }
  }
}
