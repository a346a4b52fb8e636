import Files
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `train --init` and `--freeze` as users run them, alone and on two ranks of mpirun.
@Suite(.serialized) struct InitialWeightsRunsTests {
  /// The run that others start from: two epochs of three steps.
  private static let source = ["--epochs", "2", "--batch", "4", "--average-best", "2"]
  private static let start = ["--epochs", "2", "--warmup", "0"]

  private func file(_ bench: TrainingBench, _ path: String) throws -> SafetensorsFile {
    try SafetensorsFile(contentsOf: bench.folder.appending(path: path))
  }

  /// Scores of weights, as `evaluate` prints them.
  private func scores(_ bench: TrainingBench, _ path: String) throws -> String {
    let outcome = try disttrain(
      [
        "evaluate", "--weights", path, "--preset", "tiny.json", "--data", bench.data, "--split",
        "valid",
      ], folder: bench.folder)
    #expect(outcome.status == 0, "\(outcome)")
    return outcome.output
  }

  private func write(
    _ bench: TrainingBench, _ name: String, _ entries: [SafetensorsFile.Entry]
  ) throws {
    try SafetensorsFile(entries: entries).serialized()
      .write(to: bench.folder.appending(path: name))
  }

  @Test func aStartWithoutStepsHasTheWeightsOfItsFile() throws {
    try TrainingBench.use(train: 12) { bench in
      let trained = try bench.train(run: "source", Self.source)
      #expect(trained.status == 0, "\(trained)")
      // As PyTorch writes it: no metadata of ours, another order.
      let best = try file(bench, "source/best.safetensors")
      try write(bench, "torch.safetensors", best.entries.reversed())
      for (index, source) in [
        "source/best.safetensors", "source/last-weights.safetensors",
        "source/step-00000006.safetensors", "source/mean-best-2.safetensors", "torch.safetensors",
      ].enumerated() {
        let expected = try scores(bench, source)
        var states: [Data] = []
        for ranks in [1, 2] {
          let run = "start\(index)-\(ranks)"
          let outcome = try bench.train(
            ranks: ranks, run: run,
            Self.start + ["--batch", "\(4 / ranks)", "--init", source, "--stop-after", "0"])
          #expect(outcome.status == 0, "\(outcome)")
          #expect(
            outcome.output.contains("started from \(source): ")
              && outcome.output.contains("stopped after 0 steps as asked"), "\(outcome)")
          #expect(try scores(bench, "\(run)/last-weights.safetensors") == expected, "\(source)")
          #expect(try scores(bench, "\(run)/last.safetensors") == expected, "\(source)")
          states.append(try bench.data(run, "last-weights.safetensors"))
        }
        #expect(states[0] == states[1], "\(source)")
      }
      // Not the weights of the seed.
      let random = try bench.train(run: "random", Self.start + ["--batch", "4", "--epochs", "1"])
      #expect(random.status == 0, "\(random)")
      #expect(
        try scores(bench, "source/best.safetensors") != scores(bench, "random/best.safetensors"))
    }
  }

  /// The global batch and the start are all that count: neither ranks nor an interruption change a
  /// bit, and a run that goes on needs the file no more.
  @Test func ranksAndAResumeChangeNoBit() throws {
    try TrainingBench.use(train: 12) { bench in
      #expect(try bench.train(run: "source", Self.source).status == 0)
      let source = "source/best.safetensors"
      let flags = Self.start + ["--init", source, "--freeze", "layers.0", "band_split"]
      for (run, ranks) in [("one", 1), ("two", 2)] {
        let outcome = try bench.train(
          ranks: ranks, run: run, flags + ["--batch", "\(4 / ranks)"])
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output.contains("frozen: band_split layers.0, "), "\(outcome)")
      }
      #expect(
        try bench.data("one", "best.safetensors") == bench.data("two", "best.safetensors"))
      let one = try file(bench, "one/last.safetensors")
      let two = try file(bench, "two/last.safetensors")
      let start = try file(bench, source)
      for entry in one.entries {
        let values = try entry.floats()
        #expect(try two.tensors[entry.name]?.floats() == values, "\(entry.name)")
        let isFrozen = ["layers.0", "band_split"].contains { entry.name.contains($0) }
        if entry.name.hasPrefix("adam.") {
          #expect(values.allSatisfy { $0 == 0 } == isFrozen, "\(entry.name)")
        } else if !entry.name.hasPrefix("ema.") {
          #expect(try (start.tensors[entry.name]?.floats() == values) == isFrozen, "\(entry.name)")
        } else if isFrozen {
          let name = String(entry.name.dropFirst(4))
          #expect(try start.tensors[name]?.floats() == values, "\(entry.name)")
        }
      }
      let stopped = try bench.train(
        run: "parts", flags + ["--batch", "4", "--stop-after", "2"])
      #expect(stopped.status == 0, "\(stopped)")
      try FileManager.default.moveItem(
        atPath: bench.folder.file(source), toPath: bench.folder.file("moved"))
      let rest = Self.start + ["--batch", "4", "--freeze", "band_split", "layers.0", "--resume"]
      let resumed = try bench.train(run: "parts", rest)
      #expect(resumed.status == 0, "\(resumed)")
      try bench.expectEqual("one", "parts")

      // With --resume the run's own command is accepted; another file, or others to freeze, is not.
      let without = try bench.train(run: "parts", rest + ["--init", source])
      let gone = "--init \(source): the file is not there any more"
      #expect(without.status == 0, "\(without)")
      #expect((without.output + without.errors).contains(gone), "\(without)")
      try FileManager.default.moveItem(
        atPath: bench.folder.file("moved"), toPath: bench.folder.file(source))
      let same = try bench.train(run: "parts", rest + ["--init", source])
      #expect(same.status == 0 && same.output.contains("as at the start of the run"), "\(same)")
      expectError(
        try bench.train(run: "parts", rest + ["--init", "one/last.safetensors"]),
        "--resume continues a run from its checkpoint, and this one started from \(source)")
      expectError(
        try bench.train(
          run: "source", Self.source + ["--resume", "--init", "one/best.safetensors"]),
        "this one did not start from a file; omit --init")
      expectError(
        try bench.train(run: "parts", Self.start + ["--batch", "4", "--resume"]),
        "--freeze (none here, band_split layers.0 in the checkpoint)")
    }
  }

  /// A run that was killed before its first save begins again, and asks for its weights.
  @Test func aRunThatSavedNothingAsksForItsFile() throws {
    try TrainingBench.use(train: 12) { bench in
      #expect(try bench.train(run: "source", Self.source).status == 0)
      let flags = Self.start + ["--batch", "4"]
      let with = ["--init", "source/best.safetensors"]
      #expect(try bench.train(run: "run", flags + with + ["--stop-after", "0"]).status == 0)
      for name in ["step-00000000.safetensors", "last.safetensors", "last-weights.safetensors"] {
        try FileManager.default.removeItem(atPath: bench.folder.file("run/\(name)"))
      }
      expectError(
        try bench.train(run: "run", flags + ["--resume"]),
        "has saved nothing yet, and started from source/best.safetensors; give that again")
      let outcome = try bench.train(run: "run", flags + with + ["--resume"])
      #expect(outcome.status == 0 && outcome.output.contains("begins again"), "\(outcome)")
      let whole = try bench.train(run: "whole", flags + with)
      #expect(whole.status == 0, "\(whole)")
      try bench.expectEqual("whole", "run")
    }
  }

  @Test func partOfAFileIsTakenWithAList() throws {
    try TrainingBench.use(train: 8) { bench in
      #expect(
        try bench.train(run: "source", ["--epochs", "1", "--batch", "8", "--warmup", "0"]).status
          == 0)
      let best = try file(bench, "source/best.safetensors")
      let some = try best.entries.filter { !$0.name.hasPrefix("layers.1") }.map {
        SafetensorsFile.Entry(name: "module.\($0.name)", shape: $0.shape, values: try $0.floats())
      }
      try write(
        bench, "part.safetensors",
        some + [SafetensorsFile.Entry(name: "module.extra", shape: [1], values: [1])])
      let flags = ["--epochs", "1", "--batch", "8", "--warmup", "0", "--init", "part.safetensors"]
      let before = try bench.folder.names(in: "")
      for dryRun in [[], ["--dry-run"]] {
        expectError(
          try bench.train(run: "none", flags + dryRun), "1 unexpected: module.extra [1]",
          "missing: layers.1.", "; --init-partial takes those that fit")
      }
      #expect(try bench.folder.names(in: "") == before)
      let outcome = try bench.train(
        run: "run", flags + ["--init-partial", "--stop-after", "0"])
      #expect(outcome.status == 0, "\(outcome)")
      for text in [
        "the names in the file have the prefix \"module.\"", "layers.0 ",
        "left in the file: 1 unexpected: module.extra [1]",
        "not taken from the file, with the initial values of the seed: ", "layers.1.intra",
      ] { #expect(outcome.output.contains(text), "no \(text): \(outcome)") }
      let started = try file(bench, "run/last-weights.safetensors")
      for entry in best.entries where !entry.name.hasPrefix("layers.1") {
        #expect(try started.tensors[entry.name]?.floats() == entry.floats(), "\(entry.name)")
      }
      try write(
        bench, "other.safetensors", [SafetensorsFile.Entry(name: "x", shape: [1], values: [1])])
      expectError(
        try bench.train(
          run: "none", flags + ["--init", "other.safetensors", "--init-partial"]),
        "other.safetensors: no tensor fits the model \"tiny\"")
    }
  }

  @Test func whatIsNoStartIsOneSentence() throws {
    try TrainingBench.use(train: 8) { bench in
      let flags = ["--epochs", "1", "--batch", "8", "--warmup", "0"]
      #expect(try bench.train(run: "source", flags).status == 0)
      try Data("PK\u{3}\u{4}".utf8 + [UInt8](repeating: 0, count: 200))
        .write(to: bench.folder.appending(path: "weights.pth"))
      let before = try bench.folder.names(in: "")
      expectError(
        try bench.train(run: "none", flags + ["--init", "source"]),
        "source is a folder; give one of the files of weights in it: best.safetensors, "
          + "last-weights.safetensors, last.safetensors, step-00000001.safetensors")
      expectError(
        try bench.train(run: "none", flags + ["--init", "weights.pth"]),
        "python -m disttrain.torch convert weights.pth weights.safetensors")
      expectError(
        try bench.train(run: "none", flags + ["--freeze", "encoder"]),
        "--freeze encoder: no parameter of the model has a name that begins so")
      expectError(
        try bench.train(run: "none", flags + ["--freeze", "band_split", "layers", "decoder"]),
        "nothing would be trained")
      for (words, text) in [
        (["--init-partial"], "--init-partial needs a file"), (["--init", ""], "--init is empty"),
        (["--stop-after", "0"], "--stop-after must be at least 1, not 0"),
        (["--freeze", ""], "--freeze is empty"),
      ] {
        let outcome = try bench.train(run: "none", flags + words)
        #expect(outcome.status == 64 && outcome.errors.contains(text), "\(outcome)")
      }
      #expect(try bench.folder.names(in: "") == before)
    }
  }
}
