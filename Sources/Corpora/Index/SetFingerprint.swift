import Foundation

/// A short text that tells one set of utterances from another, by their names and lengths.
public struct SetFingerprint: Codable, Equatable, Sendable {
  /// Number of utterances.
  public let utterances: Int
  /// Sum of a hash of each utterance's name and length, 16 hexadecimal digits.
  public let digest: String
  /// Checksum of the packed file; nil for a folder.
  public let pack: String?

  /// Fingerprint of the `count` pairs that are spread over `pairs`, or of all.
  package init(_ pairs: UtteranceIndex, count: Int? = nil, pack: String? = nil) {
    let digest = pairs.digest(count: count)
    utterances = min(count ?? pairs.count, pairs.count)
    self.digest = String(format: "%016llx", digest)
    self.pack = pack
  }

  /// How this set differs from `old`, after "the training set"; nil if it does not.
  package func change(from old: SetFingerprint) -> String? {
    if digest != old.digest || utterances != old.utterances {
      return "is not that of the checkpoint"
    }
    if let pack, let other = old.pack, pack != other {
      return "is packed in another file than before (checksum \(pack), before \(other)), with the "
        + "same names and lengths"
    }
    return nil
  }
}
