import Audio
import Corpora
import Foundation
import Testing
import TestSupport

extension DamagedPackTests {
  @Test func everyRandomDamageIsReadOrRefused() throws {
    try withTemporaryFolder { folder in
      let corpus = folder.appending(path: "c")
      for side in ["clean", "noisy"] {
        let target = corpus.appending(path: "train/\(side)")
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        for name in ["a", "b"] {
          try WaveFile.write(noise(900), sampleRate: 16_000, to: target.file("\(name).wav"))
        }
      }
      let path = folder.file("p.safetensors")
      _ = try CorpusPacker(folder: corpus.path, onBadFile: .stop)
        .write(to: URL(fileURLWithPath: path))
      let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      expectSentences(seed: 15, of: whole) { bytes in
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let pack = try PackedCorpus(path: path)
        let reader = RecordingReader()
        for pair in try pack.pairs(.train, validationSpeakers: []) {
          _ = try reader.read(pair.clean, sampleRate: 16_000)
          _ = try reader.read(pair.noisy, sampleRate: 16_000)
        }
      }
    }
  }
}
