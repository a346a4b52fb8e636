import Audio
import Corpora
import Files
import Foundation
import Platform

/// The manifest of the corpus, `manifest.json`, with the size and checksum of every file. The
/// manifest is written last, so that a folder with a manifest was once complete.
package struct MiniCorpusManifest: Codable, Equatable {
  package static let fileName = "manifest.json"
  package static let format = "disttrain-minicorpus"
  /// Version of the corpus, raised whenever a seed would give other files than before.
  package static let version = 1

  package struct File: Codable, Equatable, Sendable {
    var path: String
    var byteCount: Int
    var checksum: String

    /// Entry of the file at `path`, relative to the corpus's folder, with the size and the FNV-1a
    /// checksum of its `bytes`.
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

  /// A manifest with the given parts, and the format and version of this program.
  package init(seed: UInt64, full: Bool, splits: [MiniCorpusSplit], files: [File]) {
    self.seed = seed
    self.full = full
    self.splits = splits
    self.files = files
  }

  /// Reads the manifest of the corpus in `folder`; nil if there is none that can be read.
  package static func read(folder: String) -> Self? {
    guard let data = try? FileContents.read(URL(fileURLWithPath: "\(folder)/\(fileName)")),
      let manifest = try? JSONDecoder().decode(Self.self, from: data), manifest.format == format
    else { return nil }
    return manifest
  }

  /// Writes the manifest atomically.
  ///
  /// - Throws: `WaveFileError.unwritable`.
  package func write(folder: String) throws {
    let text = try indentedJSON(self)
    try WaveFile.writeAtomically(Array(text.utf8), to: "\(folder)/\(Self.fileName)")
  }

  /// The first problem with the files in `folder`; nil if all files are as listed.
  package func problem(folder: String) throws -> String? {
    try parallelMap(files) { file -> String? in
      guard let data = try? FileContents.read(URL(fileURLWithPath: "\(folder)/\(file.path)")) else {
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

/// The contents of a split of the corpus.
public struct MiniCorpusSplit: Codable, Equatable, Sendable {
  /// The split.
  public var split: CorpusSplit
  /// The speakers' names; a speaker is in one split only.
  public var speakers: [String]
  /// Number of pairs of clean and noisy files.
  public var utteranceCount: Int
  /// Length of the clean speech, in minutes.
  public var minutes: Double
  /// Number of utterances with each signal-to-noise ratio (in dB, as text).
  public var utterancesByDecibels: [String: Int]
  /// Number of utterances with each kind of noise.
  public var utterancesByNoise: [String: Int]
}
