import Audio
import Corpora
import Foundation
import Preparation
import TestSupport

/// A corpus like the download of VoiceBank-DEMAND at 48 kHz, made of signals that a test knows.
struct VoiceBankCorpus {
  let root: TemporaryFolder
  static let parts = ["trainset_28spk", "testset"]

  /// Makes a corpus whose pairs are noise of `sampleCount` samples and slightly more for each next
  /// pair.
  init(train: Int = 3, test: Int = 2, sampleCount: Int = 4800) throws {
    root = try TemporaryFolder()
    for (part, speaker, count) in [("trainset_28spk", "p226", train), ("testset", "p232", test)] {
      for side in ["clean", "noisy"] { try root.makeFolder("in/\(side)_\(part)_wav") }
      for index in 0..<count {
        for (offset, side) in ["clean", "noisy"].enumerated() {
          try write(
            noise(sampleCount + index, seed: UInt64(10 * index + offset + 1)),
            "\(side)_\(part)_wav/\(speaker)_\(String(format: "%03d", index)).wav")
        }
      }
    }
  }

  var input: String { root.file("in") }
  var output: String { root.file("out") }

  func write(_ samples: [Float], _ name: String, rate: Int = 48_000) throws {
    try WaveFile.write(samples, sampleRate: rate, to: "\(input)/\(name)")
  }

  /// Prepares the corpus into `output`.
  func prepare(
    to name: String = "out", format: VoiceBank.Format = .wav, onBadFile: OnBadFile = .stop,
    threads: Int = 2
  ) throws -> VoiceBankReport {
    try VoiceBank.prepare(
      input: input, output: root.file(name), format: format, onBadFile: onBadFile, threads: threads)
  }

  /// Samples of a prepared file.
  func samples(_ name: String, in folder: String = "out") throws -> [Float] {
    try WaveFile.read(path: root.file("\(folder)/\(name)"), sampleRate: 16_000).samples
  }

  /// Bytes of all files below a folder, by path.
  func contents(_ folder: String = "out") throws -> [String: Data] {
    let names =
      FileManager.default.enumerator(atPath: root.file(folder))?
      .compactMap { $0 as? String } ?? []
    return try names.reduce(into: [:]) { files, name in
      var isFolder: ObjCBool = false
      let path = root.file("\(folder)/\(name)")
      _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      if !isFolder.boolValue { files[name] = try Data(contentsOf: URL(fileURLWithPath: path)) }
    }
  }
}
