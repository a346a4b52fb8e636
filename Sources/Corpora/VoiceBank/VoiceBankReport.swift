import Foundation
import Platform

/// What `VoiceBank.prepare` did.
public struct VoiceBankReport: Sendable, CustomStringConvertible {
  /// The corpus's folder.
  public let output: String
  /// Prepared pairs of each split.
  public private(set) var pairs: [CorpusSplit: Int] = [:]
  /// Those of them that an earlier call had made.
  public internal(set) var keptPairCount = 0
  /// Pairs that were looked at.
  public internal(set) var donePairCount = 0
  /// Length of the pairs, in seconds.
  public private(set) var audioSeconds = 0.0
  /// Samples that were clamped to full scale, and the files that have some.
  public private(set) var clipped = (samples: 0, files: 0)
  /// What could not be used.
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

  /// Sets that have another number of pairs than the published ones, as sentences.
  public var warnings: [String] {
    CorpusSplit.allCases.compactMap { split in
      guard let expected = published[split], expected != pairs[split] ?? 0 else { return nil }
      let found = NumberText.count(pairs[split] ?? 0, "pair")
      return "the \(split.rawValue) set has \(found), and the published one has "
        + "\(expected): scores do not compare with published ones"
    }
  }

  /// A few readable lines.
  public var description: String {
    let parts = CorpusSplit.allCases.compactMap { split in
      pairs[split].map { "\(split.rawValue) \($0)" }
    }
    let count = pairs.values.reduce(0, +)
    let minutes = String(format: "%.1f minutes", audioSeconds / 60)
    var line =
      "\(output): \(NumberText.count(count, "pair")) at 16 kHz (\(parts.joined(separator: ", "))), \(minutes)"
    if keptPairCount > 0 { line += ", \(keptPairCount) of them there already" }
    if clipped.samples > 0 {
      line += ", \(NumberText.count(clipped.samples, "sample")) of "
      line += "\(NumberText.count(clipped.files, "file")) clamped to full scale"
    }
    if !rejected.isEmpty {
      line +=
        "\n\(NumberText.count(rejected.count, "unusable file")), whose pairs are left out, listed in "
        + "\(output)/\(VoiceBank.tableName)"
    }
    return line
  }
}
