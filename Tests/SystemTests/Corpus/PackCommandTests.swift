import Files
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `prepare pack` and what takes its file, as users run them.
@Suite(.serialized) struct PackCommandTests {
  private func withPack(_ body: (_ folder: URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      _ = try FixtureCorpus(in: folder, splits: ["train": 9, "valid": 1, "test": 3])
      try tinyModel.write(
        to: folder.appending(path: "tiny.json"), atomically: true, encoding: .utf8)
      let outcome = try disttrain(
        ["prepare", "pack", "--input", "corpus", "--output", "c.safetensors"], folder: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      #expect(
        outcome.output.hasPrefix("packed 26 files (pairs: train 9, valid 1, test 3), 0."),
        "\(outcome)")
      #expect(outcome.output.contains("c.safetensors: give it to train and evaluate as --data\n"))
      // Whoever takes the pack must not need the folder.
      try body(folder)
    }
  }

  @Test(arguments: [1, 3]) func trainingIsThatOfTheFolder(ranks: Int) throws {
    try withPack { folder in
      func train(_ data: String) throws {
        let outcome = try disttrain(
          ranks: ranks,
          [
            "train", "--preset", "tiny.json", "--data", data, "--seconds", "0.5", "--epochs", "2",
            "--batch", "2", "--run-dir", "run-\(data)",
          ], folder: folder)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output.contains("data \(data): train 9 utterances"), "\(outcome)")
      }
      try train("corpus")
      try FileManager.default.removeItem(at: folder.appending(path: "corpus"))
      try train("c.safetensors")
      func data(_ run: String, _ file: String) throws -> Data {
        try Data(contentsOf: folder.appending(path: "\(run)/\(file)"))
      }
      let best = try ["run-corpus", "run-c.safetensors"].map { try data($0, "best.safetensors") }
      #expect(best[0] == best[1], "on \(ranks) ranks")
      // The progress beside the tensors says which pack it was.
      let last = try ["run-corpus", "run-c.safetensors"].map { run in
        let bytes = try data(run, "last.safetensors")
        let header = try SafetensorsHeader(
          contentsOf: folder.appending(path: "\(run)/last.safetensors"))
        return bytes[header.dataStart...]
      }
      #expect(last[0].count > 10_000 && last[0] == last[1], "on \(ranks) ranks")
      try expectAccounting(folder.appending(path: "run-c.safetensors/metrics.jsonl"), ranks: ranks)
    }
  }

  /// The waits for data of every step and of both epochs.
  private func expectAccounting(_ file: URL, ranks: Int) throws {
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let events = try lines.map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    let counts = ["step": 2 * ((9 + 2 * ranks - 1) / (2 * ranks)), "epoch": 2]
    for (name, count) in counts {
      let waits = events.filter { $0["event"] as? String == name }
        .compactMap { $0["data_seconds"] as? Double }
      let areTimes = waits.allSatisfy { $0 >= 0 && $0 < 60 }
      #expect(waits.count == count && areTimes, "\(name): \(waits)")
    }
  }

  @Test(arguments: [1, 2]) func evaluationIsThatOfTheFolder(ranks: Int) throws {
    try withPack { folder in
      func evaluate(_ data: String) throws -> (text: String, csv: Data) {
        let outcome = try disttrain(
          ranks: ranks,
          [
            "evaluate", "--weights", EnhanceFixture.weights, "--preset", EnhanceFixture.preset,
            "--data", data, "--csv", "scores.csv",
          ], folder: folder)
        #expect(outcome.status == 0, "\(outcome)")
        return (
          outcome.output.replacing(" of \(data), test", with: ""),
          try Data(contentsOf: folder.appending(path: "scores.csv"))
        )
      }
      let files = try evaluate("corpus")
      let packed = try evaluate("c.safetensors")
      #expect(files.text == packed.text && files.csv == packed.csv)
      #expect(packed.text.contains("scored 3/3"))
    }
  }

  @Test func damageIsToldOnceBeforeTrainingStarts() throws {
    try withPack { folder in
      let pack = folder.appending(path: "c.safetensors")
      let whole = try Data(contentsOf: pack)
      try whole.prefix(whole.count - 1).write(to: pack)
      let outcome = try disttrain(
        ranks: 2, ["train", "--preset", "tiny.json", "--data", "c.safetensors"], folder: folder)
      #expect(outcome.status == 1 && !outcome.timedOut, "\(outcome)")
      let errors = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("disttrain: ") }
      #expect(errors.count == 1, "\(outcome)")
      #expect(errors.first?.contains("c.safetensors: the file is truncated or damaged") == true)
      #expect(errors.first?.contains("copy it again, or make it anew") == true)
      #expect(!FileManager.default.fileExists(atPath: folder.file("checkpoints_tiny")))
    }
  }

  @Test func impossibleOutputsAreToldAtOnce() throws {
    try withTemporaryFolder { folder in
      _ = try FixtureCorpus(in: folder, splits: ["train": 1])
      func pack(_ data: String, _ output: String) throws -> SubprocessOutcome {
        try disttrain(["prepare", "pack", "--data", data, "--output", output], folder: folder)
      }
      try folder.makeFolder("kept")
      expectError(try pack("corpus", "kept"), "kept is a folder; --output names the file")
      expectError(
        try pack("corpus", "none/c"), "none/c could not be written: its folder does not exist")
      expectError(try pack("nowhere", "c"), "nowhere: no such corpus folder or packed file")
      #expect(try folder.names(in: "") == ["corpus", "kept"])
    }
  }

  @Test func loadingIsMeasured() throws {
    try withPack { folder in
      for data in ["corpus", "c.safetensors"] {
        let outcome = try disttrain(
          [
            "bench", "loading", "--data", data, "--count", "20", "--seconds", "1",
            "--step-seconds", "0.2", "--json", "loading.json",
          ], folder: folder)
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        for text in [
          "\(data): 9 utterances in the train split", "20 pairs of crops of 1.0 s", "reading ",
          "STFT ", "CPU share of a step of 0.2 s",
        ] {
          #expect(outcome.output.contains(text), "\(outcome)")
        }
        let object = try #require(
          JSONSerialization.jsonObject(
            with: Data(contentsOf: folder.appending(path: "loading.json"))) as? [String: Any])
        let read = try #require(object["read_milliseconds"] as? [String: Double])
        let transform = try #require(object["stft_milliseconds"] as? [String: Double])
        let share = try #require(object["total_share"] as? Double)
        let cpu = try #require(read["cpu"]) + #require(transform["cpu"])
        #expect(cpu > 0 && abs(share - cpu / 200) < 1e-9)
        #expect(object["count"] as? Int == 20)
      }
    }
  }
}
