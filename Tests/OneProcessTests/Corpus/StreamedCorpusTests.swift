import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Recordings whose headers state no length, as programs write them into a pipe: the same results
/// in every command.
@Suite struct StreamedCorpusTests {
  /// Sets the length in the header of the WAV file at `url` to "unknown".
  private func forgetLength(_ url: URL) throws {
    var bytes = try Data(contentsOf: url)
    let place = try #require(bytes.range(of: Data("data".utf8)))
    bytes.replaceSubrange(place.upperBound..<place.upperBound + 4, with: [255, 255, 255, 255])
    try bytes.write(to: url)
  }

  @Test func everyCommandReadsToTheEnd() throws {
    try withTemporaryFolder { folder in
      _ = try FixtureCorpus(in: folder, splits: ["train": 3, "valid": 1, "test": 2])
      try tinyModel.write(
        to: folder.appending(path: "p.json"), atomically: true, encoding: .utf8)
      let files = FileManager.default
      try files.copyItem(atPath: folder.file("corpus"), toPath: folder.file("stream"))
      let names = try #require(files.enumerator(atPath: folder.file("stream")))
        .compactMap { $0 as? String }.filter { $0.hasSuffix(".wav") }
      #expect(names.count == 12)
      for name in names { try forgetLength(folder.appending(path: "stream/\(name)")) }

      func same(_ file: String) throws {
        let parts = try ["corpus", "stream"].map {
          try Data(contentsOf: folder.appending(path: "\(file)-\($0)"))
        }
        #expect(parts[0] == parts[1], "\(file)")
      }
      for data in ["corpus", "stream"] {
        let weights = "run-\(data)/best.safetensors"
        let commands = [
          [
            "train", "--preset", "p.json", "--data", data, "--seconds", "0.5", "--epochs", "1",
            "--batch", "1", "--run-dir", "run-\(data)",
          ],
          ["evaluate", "--weights", weights, "--data", data, "--csv", "evaluated-\(data)"],
          [
            "score", "--reference", "\(data)/test/clean", "--degraded", "\(data)/test/noisy",
            "--csv", "scored-\(data)",
          ],
          ["enhance", "--weights", weights, "\(data)/test/noisy", "enhanced-\(data)"],
          ["prepare", "pack", "--input", data, "--output", "pack-\(data)"],
          ["bench", "loading", "--data", data, "--count", "2"],
        ]
        for command in commands {
          let outcome = try disttrain(command, folder: folder)
          #expect(outcome.status == 0 && outcome.errors == "", "\(command): \(outcome)")
        }
      }
      for file in ["evaluated", "scored", "pack"] { try same(file) }
      let enhanced = try ["corpus", "stream"].map { data in
        try folder.names(in: "enhanced-\(data)").map {
          try Data(contentsOf: folder.appending(path: "enhanced-\(data)/\($0)"))
        }
      }
      #expect(enhanced[0].count == 2 && enhanced[0] == enhanced[1])
      let best = try ["corpus", "stream"].map {
        try Data(contentsOf: folder.appending(path: "run-\($0)/best.safetensors"))
      }
      #expect(best[0] == best[1])
    }
  }
}
