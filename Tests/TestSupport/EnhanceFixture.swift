import Audio
import Foundation

/// The model and recording that come with a PyTorch program's output.
package enum EnhanceFixture {
  package static func path(_ name: String) -> String {
    fixturesFolder.appending(path: "enhance/\(name)").path(percentEncoded: false)
  }

  package static let preset = path("tiny.json")
  package static let weights = path("weights.safetensors")
  package static let input = path("input.wav")

  /// Weights of the model of `weights`, trained on the recordings of the metrics.
  package static let trained = path("trained.safetensors")

  /// Noisy and clean sides of recordings that `trained` knows, `rounds` times one after the other:
  /// 17 s a round.
  package static func conversation(rounds: Int) throws -> (noisy: [Float], clean: [Float]) {
    func joined(_ side: String) throws -> [Float] {
      let once = try FixtureCorpus.names.flatMap { try recording("\($0)_\(side)") }
      return Array(repeatElement(once, count: rounds).joined())
    }
    return (try joined("deg"), try joined("ref"))
  }

  package static func samples(_ name: String) throws -> [Float] {
    try WaveFile.read(path: path(name), sampleRate: 16_000).samples
  }
}

/// Samples of one of the metrics' recordings, such as `g01_vb_p232_014_noisy_ref`.
package func recording(_ name: String) throws -> [Float] {
  let path = fixturesFolder.appending(path: "metrics/\(name).wav").path(percentEncoded: false)
  return try WaveFile.read(path: path, sampleRate: 16_000).samples
}

/// The bytes of a WAV file with two channels, which `WaveFile` does not write: 16 bits at 16 kHz.
package func stereoFile(frames: Int) -> [UInt8] {
  var bytes = Array("RIFF".utf8)
  func append(_ value: Int, _ count: Int) {
    bytes += (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  append(36 + 4 * frames, 4)
  bytes += Array("WAVEfmt ".utf8)
  append(16, 4)
  append(1, 2)
  append(2, 2)
  append(16_000, 4)
  append(64_000, 4)
  append(4, 2)
  append(16, 2)
  bytes += Array("data".utf8)
  append(4 * frames, 4)
  for frame in 0..<2 * frames { append(frame % 1000, 2) }
  return bytes
}

/// Files that `enhance`, `score` and `evaluate` must refuse, and what they say of each.
package enum BadWave: String, CaseIterable, Sendable {
  case corrupt, stereo, fast, empty, truncated

  package var text: String {
    switch self {
    case .corrupt: "cannot be read as audio"
    case .stereo: "has 2 channels; mix it down to mono"
    case .fast: "expected 16000 Hz, found 48000 Hz; resample first"
    case .empty: "holds no samples"
    case .truncated: "truncated: the header promises 35184 samples, the file holds 478"
    }
  }

  package func write(to path: String) throws {
    let url = URL(fileURLWithPath: path)
    switch self {
    case .corrupt: try Data((0..<2000).map { UInt8(truncatingIfNeeded: $0 * 7) }).write(to: url)
    case .stereo: try Data(stereoFile(frames: 16_000)).write(to: url)
    case .fast:
      try WaveFile.write(
        try recording("g02_vb_p232_052_noisy_deg"), sampleRate: 48_000, to: path)
    case .empty: try WaveFile.write([], sampleRate: 16_000, to: path)
    case .truncated:
      let whole = try Data(
        contentsOf: fixturesFolder.appending(path: "metrics/g02_vb_p232_052_noisy_deg.wav"))
      try whole.prefix(1000).write(to: url)
    }
  }
}
