import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `train --stage` and `evaluate --stage`, as users run them.
@Suite(.serialized) struct StageCommandTests {
  private func withPack(_ body: (_ folder: URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      _ = try FixtureCorpus(in: folder, splits: ["train": 4, "valid": 1, "test": 2])
      try tinyModel.write(
        to: folder.appending(path: "tiny.json"), atomically: true, encoding: .utf8)
      let outcome = try disttrain(
        ["prepare", "pack", "--input", "corpus", "--output", "c.safetensors"], folder: folder)
      #expect(outcome.status == 0, "\(outcome)")
      try body(folder)
    }
  }

  private func train(_ run: String, _ more: [String]) -> [String] {
    [
      "train", "--preset", "tiny.json", "--data", "c.safetensors", "--seconds", "0.5", "--epochs",
      "1", "--run-dir", run,
    ] + more
  }

  @Test func trainingFromCopiesIsThatFromTheFile() throws {
    try withPack { folder in
      let plain = try disttrain(ranks: 2, train("plain", ["--batch", "2"]), folder: folder)
      #expect(plain.status == 0, "\(plain)")
      let staged = try disttrain(
        ranks: 2, train("staged", ["--batch", "2", "--stage", "scratch"]), folder: folder)
      #expect(staged.status == 0, "\(staged)")
      #expect(staged.output.contains("staged c.safetensors as scratch/c-"), "\(staged)")
      #expect(staged.output.contains("on 1 host: 1 copied and verified"), "\(staged)")
      #expect(staged.output.contains("data c.safetensors: train 4 utterances"), "\(staged)")
      for file in ["last.safetensors", "best.safetensors", "configuration.json"] {
        #expect(
          try Data(contentsOf: folder.appending(path: "plain/\(file)"))
            == Data(contentsOf: folder.appending(path: "staged/\(file)")), "\(file)")
      }
      #expect(try folder.names(in: "scratch").count == 1)
      // The copy is what is read: a fault of it ends the evaluation, where the original is whole.
      let evaluate = [
        "evaluate", "--weights", EnhanceFixture.weights, "--preset", EnhanceFixture.preset,
        "--data",
        "c.safetensors",
      ]
      let direct = try disttrain(ranks: 1, evaluate, folder: folder)
      let again = try disttrain(ranks: 2, evaluate + ["--stage", "scratch"], folder: folder)
      #expect(direct.status == 0 && again.status == 0, "\(again)")
      #expect(direct.output == again.output)
      #expect(again.errors.contains("1 there already, verified"), "\(again)")
    }
  }

  @Test func whatCannotBeStagedIsToldOnce() throws {
    try withPack { folder in
      for ranks in [1, 2] {
        var arguments = train("run", ["--batch", "2", "--stage", "scratch"])
        arguments[4] = "corpus"
        let outcome = try disttrain(ranks: ranks, arguments, folder: folder)
        let expected =
          "disttrain: error: --stage copies a packed corpus, and corpus is a folder; pack it first "
          + "(disttrain prepare pack --input corpus --output corpus.safetensors), and give that "
          + "file as --data"
        let errors = outcome.errors.split(separator: "\n").map(String.init)
          .filter { $0.hasPrefix("disttrain: ") }
        #expect(outcome.status == 1 && errors == [expected], "\(outcome)")
        // Nowhere to write: a warning, and the training goes on.
        try Data([1]).write(to: folder.appending(path: "occupied"))
        let unwritable = try disttrain(
          ranks: ranks, train("run\(ranks)", ["--batch", "2", "--stage", "occupied"]),
          folder: folder)
        #expect(unwritable.status == 0, "\(unwritable)")
        #expect(
          unwritable.output.contains("warning: host \(Staging.Host.own.name) reads c.safetensors"),
          "\(unwritable)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
    }
  }
}
