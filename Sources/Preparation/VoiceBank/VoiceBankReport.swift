import Corpora
import Foundation
import Platform

/// The result of `VoiceBank.prepare`.
public struct VoiceBankReport: Sendable, CustomStringConvertible {
  /// Folder of the corpus.
  public let output: String
  /// Number of prepared pairs of each split.
  public private(set) var pairs: [CorpusSplit: Int] = [:]
  /// Number of pairs that an earlier call has prepared.
  public internal(set) var keptPairCount = 0
  /// Number of pairs that were processed, rejected ones included.
  public internal(set) var donePairCount = 0
  /// Length of the pairs, in seconds.
  public private(set) var audioSeconds = 0.0
  /// Number of samples that were clamped to full scale, and of the files that contain them.
  public private(set) var clipped = (samples: 0, files: 0)
  /// Files that could not be used.
  public internal(set) var rejected: [BadFile] = []
  private let published: [CorpusSplit: Int]

  init(output: String, parts: [VoiceBankFolders.Part]) {
    self.output = output
    published = parts.reduce(into: [:]) { $0[$1.split] = $1.publishedCount }
  }

  package mutating func add(_ pair: [VoiceBankManifest.Entry]) {
    guard let first = pair.first else { return }
    pairs[first.split, default: 0] += 1
    audioSeconds += Double(first.sampleCount) / Double(VoiceBankPair.sampleRate)
    for entry in pair where entry.clippedCount > 0 {
      clipped.samples += entry.clippedCount
      clipped.files += 1
    }
  }

  /// A sentence for each set whose number of pairs differs from that of the published set.
  public var warnings: [String] {
    CorpusSplit.allCases.compactMap { split in
      guard let expected = published[split], expected != pairs[split] ?? 0 else { return nil }
      let found = NumberText.count(pairs[split] ?? 0, "pair")
      return "the \(split.rawValue) set has \(found), and the published one has "
        + "\(expected): scores do not compare with published ones"
    }
  }

  /// The report as a few lines of text.
  public var description: String {
    let parts = CorpusSplit.allCases.compactMap { split in
      pairs[split].map { "\(split.rawValue) \($0)" }
    }
    let count = pairs.values.reduce(0, +)
    let minutes = String(format: "%.1f minutes", audioSeconds / 60)
    var line =
      "\(output): \(NumberText.count(count, "pair")) at 16 kHz "
      + "(\(parts.joined(separator: ", "))), \(minutes)"
    if keptPairCount > 0 { line += ", \(keptPairCount) of them there already" }
    if clipped.samples > 0 {
      line += ", \(NumberText.count(clipped.samples, "sample")) of "
      line += "\(NumberText.count(clipped.files, "file")) clamped to full scale"
    }
    if !rejected.isEmpty {
      line +=
        "\n\(NumberText.count(rejected.count, "unusable file")), whose pairs are left out, listed "
        + "in \(output)/\(VoiceBank.tableName)"
    }
    return line
  }
}
