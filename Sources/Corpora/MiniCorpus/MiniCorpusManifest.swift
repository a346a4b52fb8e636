import Audio
import Files
import Foundation
import Platform

/// `manifest.json`: what the corpus is and what every file must be. It is written last, so that a
/// folder with a manifest was once complete.
package struct MiniCorpusManifest: Codable, Equatable {
  package static let fileName = "manifest.json"
  package static let format = "disttrain-minicorpus"
  /// Raised whenever the same seed would give other files.
  package static let version = 1

  package struct File: Codable, Equatable, Sendable {
    var path: String
    var byteCount: Int
    var checksum: String

    package init(path: String, bytes: [UInt8]) {
      self.path = path
      byteCount = bytes.count
      checksum = Self.checksum(bytes)
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> String {
      let digits = String(FNV1a.hash(bytes), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
  }

  package var format = Self.format
  package var version = Self.version
  package var seed: UInt64
  package var full: Bool
  package var splits: [MiniCorpusSplit]
  package var files: [File]

  /// Puts the parts together, with this program's format and version.
  package init(seed: UInt64, full: Bool, splits: [MiniCorpusSplit], files: [File]) {
    self.seed = seed
    self.full = full
    self.splits = splits
    self.files = files
  }

  /// The manifest of the corpus in `folder`; nil if there is none that can be read.
  package static func read(folder: String) -> Self? {
    guard let data = FileManager.default.contents(atPath: "\(folder)/\(fileName)"),
      let manifest = try? JSONDecoder().decode(Self.self, from: data), manifest.format == format
    else { return nil }
    return manifest
  }

  /// Writes the manifest atomically.
  package func write(folder: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try WaveFile.writeAtomically([UInt8](encoder.encode(self)), to: "\(folder)/\(Self.fileName)")
  }

  /// What is wrong with the files in `folder`: the first problem, or nil if all are as listed.
  package func problem(folder: String) throws -> String? {
    try parallelMap(files) { file -> String? in
      guard let data = FileManager.default.contents(atPath: "\(folder)/\(file.path)") else {
        return "\(file.path) is missing"
      }
      if data.count != file.byteCount {
        return "\(file.path) has \(NumberText.count(data.count, "byte")) and not \(file.byteCount)"
      }
      let same = data.withUnsafeBytes { File.checksum($0) == file.checksum }
      return same ? nil : "\(file.path) has changed"
    }
    .lazy.compactMap { $0 }.first
  }
}

/// What a split of the corpus holds.
public struct MiniCorpusSplit: Codable, Equatable, Sendable {
  /// Which split.
  public var split: CorpusSplit
  /// The speakers' names; a speaker is in one split only.
  public var speakers: [String]
  /// How many pairs of clean and noisy files.
  public var utteranceCount: Int
  /// Length of the clean speech, in minutes.
  public var minutes: Double
  /// How many utterances have each signal-to-noise ratio (in dB, as text).
  public var utterancesByDecibels: [String: Int]
  /// How many utterances have each kind of noise.
  public var utterancesByNoise: [String: Int]
}
