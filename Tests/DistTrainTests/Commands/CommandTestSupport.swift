import ArgumentParser
import Audio
import DistTrain
import Foundation
import Models
import TestSupport
import Testing

/// Runs the built program as a user would, without a launcher.
func disttrain(
  _ arguments: [String], environment: [String: String] = [:], folder: URL? = nil
) throws -> SubprocessOutcome {
  try MPIRun.runAlone(
    product: "disttrain", arguments: arguments, environment: environment, folder: folder,
    timeLimit: 120)
}

/// Expects that the program ended with status 1 and one line on stderr that holds every text.
func expectError(
  _ outcome: SubprocessOutcome, _ texts: String...,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(outcome.status == 1, "\(outcome)", sourceLocation: sourceLocation)
  let lines = outcome.errors.split(separator: "\n")
  #expect(lines.count == 1, "\(outcome)", sourceLocation: sourceLocation)
  #expect(
    lines.first?.hasPrefix("disttrain: error: ") == true, "\(outcome)",
    sourceLocation: sourceLocation)
  for text in texts {
    #expect(outcome.errors.contains(text), "\(outcome)", sourceLocation: sourceLocation)
  }
}

/// Expects that the program's parser refuses these words with status 64, and says exactly `text`.
func expectRefused(
  _ arguments: [String], _ text: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  do {
    _ = try DistTrainCommand.parseAsRoot(arguments)
    Issue.record("\(arguments) was accepted", sourceLocation: sourceLocation)
  } catch {
    let code = DistTrainCommand.exitCode(for: error)
    #expect(code.rawValue == 64, "\(arguments)", sourceLocation: sourceLocation)
    #expect(
      DistTrainCommand.message(for: error) == text, "\(arguments)", sourceLocation: sourceLocation)
  }
}

/// The model and recording that come with a PyTorch program's output.
enum EnhanceFixture {
  static func path(_ name: String) -> String {
    fixturesFolder.appending(path: "enhance/\(name)").path(percentEncoded: false)
  }

  static let preset = path("tiny.json")
  static let weights = path("weights.safetensors")
  static let input = path("input.wav")

  static func model() throws -> SpeechEnhancer {
    try TrainedModel.load(weights: weights, preset: preset)
  }

  /// The same model, trained on the recordings of the metrics.
  static let trained = path("trained.safetensors")

  /// Noisy and clean sides of recordings that `trained` knows, `rounds` times one after the other:
  /// 17 s a round.
  static func conversation(rounds: Int) throws -> (noisy: [Float], clean: [Float]) {
    func joined(_ side: String) throws -> [Float] {
      let once = try FixtureCorpus.names.flatMap { try recording("\($0)_\(side)") }
      return Array(repeatElement(once, count: rounds).joined())
    }
    return (try joined("deg"), try joined("ref"))
  }

  static func samples(_ name: String) throws -> [Float] {
    try WaveFile.read(path: path(name), sampleRate: 16_000).samples
  }
}

/// Samples of one of the metrics' recordings, such as `g01_vb_p232_014_noisy_ref`.
func recording(_ name: String) throws -> [Float] {
  let path = fixturesFolder.appending(path: "metrics/\(name).wav").path(percentEncoded: false)
  return try WaveFile.read(path: path, sampleRate: 16_000).samples
}

/// The bytes of a WAV file with two channels, which `WaveFile` does not write: 16 bits at 16 kHz.
func stereoFile(frames: Int) -> [UInt8] {
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
enum BadWave: String, CaseIterable {
  case corrupt, stereo, fast, empty, truncated

  var text: String {
    switch self {
    case .corrupt: "cannot be read as audio"
    case .stereo: "has 2 channels; mix it down to mono"
    case .fast: "expected 16000 Hz, found 48000 Hz; resample first"
    case .empty: "holds no samples"
    case .truncated: "truncated: the header promises 35184 samples, the file holds 478"
    }
  }

  func write(to path: String) throws {
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
