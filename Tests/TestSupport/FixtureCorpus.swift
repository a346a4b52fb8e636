import Audio
import Foundation

/// A small corpus of real speech from the WAV files of the metric fixtures (16 kHz, 2 to 4 s).
public struct FixtureCorpus {
  /// Folder of the corpus; the caller removes it.
  public let folder: URL

  /// Names of pairs whose noisy side has defined scores, as training and validation need.
  public static let names = [
    "g01_vb_p232_014_noisy", "g02_vb_p232_052_noisy", "g03_vb_p232_170_noisy",
    "g04_vb_p232_010_noisy", "g05_vb_p232_003_noisy", "g09_arctic_dishes_5dB",
  ]

  /// Makes splits under `parent`, each with `splits[split]` utterances at `sampleRate`, in hertz;
  /// several of them share a WAV file.
  public init(in parent: URL, splits: [String: Int], sampleRate: Int = 16_000) throws {
    folder = parent.appending(path: "corpus")
    for (split, count) in splits {
      for index in 0..<count {
        let source = Self.names[index % Self.names.count]
        let name = String(format: "u%03d.wav", index)
        for (side, suffix) in [("clean", "ref"), ("noisy", "deg")] {
          let target = folder.appending(path: "\(split)/\(side)")
          try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
          if sampleRate == 16_000 {
            try FileManager.default.copyItem(
              at: fixturesFolder.appending(path: "metrics/\(source)_\(suffix).wav"),
              to: target.appending(path: name))
          } else {
            try WaveFile.write(
              interpolated(try recording("\(source)_\(suffix)"), to: sampleRate),
              sampleRate: sampleRate, to: target.file(name))
          }
        }
      }
    }
  }
}

/// The signal `samples`, at 16 kHz, on straight lines between them at `sampleRate`: speech at
/// another rate for tests to which aliases do not matter.
public func interpolated(_ samples: [Float], to sampleRate: Int) -> [Float] {
  let step = 16_000 / Double(sampleRate)
  return (0..<Int(Double(samples.count - 1) / step)).map { index in
    let place = Double(index) * step
    let before = Int(place)
    return samples[before] + Float(place - Double(before)) * (samples[before + 1] - samples[before])
  }
}

/// Runs `body` with a folder that is removed afterwards.
public func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "disttrain-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}
