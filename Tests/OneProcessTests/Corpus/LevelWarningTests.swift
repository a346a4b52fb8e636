import Audio
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Floats in the scale of 16-bit integers, in the commands that read a corpus.
@Suite struct LevelWarningTests {
  @Test func trainEvaluateAndPackSayItOnce() throws {
    try withTemporaryFolder { folder in
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 3, "valid": 1, "test": 2])
      for split in ["train", "test"] {
        for side in ["clean", "noisy"] {
          for name in try folder.names(in: "corpus/\(split)/\(side)") {
            let path = corpus.folder.file("\(split)/\(side)/\(name)")
            try WaveFile.write(
              try WaveFile.read(path: path).samples.map { $0 * 32_768 }, sampleRate: 16_000,
              to: path, encoding: .float32)
          }
        }
      }
      let cause = "and full scale is 1; if they have the scale of 16-bit integers"
      try tinyModel.write(
        to: folder.appending(path: "tiny.json"), atomically: true, encoding: .utf8)
      let trained = try disttrain(
        [
          "train", "--preset", "tiny.json", "--data", "corpus", "--seconds", "0.5", "--epochs", "2",
          "--batch", "1", "--run-dir", "run",
        ], folder: folder)
      #expect(trained.status == 0, "\(trained)")
      #expect(occurrences(of: cause, in: trained.output) == 1, "\(trained)")
      #expect(trained.output.contains("warning: corpus/train/"), "\(trained)")
      let evaluated = try disttrain(
        [
          "evaluate", "--weights", "run/best.safetensors", "--data", "corpus", "--metrics",
          "si_sdr",
        ], folder: folder)
      #expect(evaluated.status == 0, "\(evaluated)")
      #expect(
        evaluated.errors.hasPrefix(
          "warning: corpus/test/noisy/u000.wav and 1 more recording: samples reach "),
        "\(evaluated)")
      let packed = try disttrain(
        ["prepare", "pack", "--input", "corpus", "--output", "c"], folder: folder)
      #expect(packed.status == 0, "\(packed)")
      #expect(packed.errors.hasPrefix("warning: corpus/train/"), "\(packed)")
      #expect(packed.errors.contains(" and 9 more recordings: samples reach "), "\(packed)")
      #expect(occurrences(of: cause, in: packed.errors) == 1)
    }
  }
}
