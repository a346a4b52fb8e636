import Platform

/// A file that cannot be used for training.
public struct BadFile: Equatable, Sendable, CustomStringConvertible, Codable {
  /// The file.
  public var path: String
  /// What is wrong with it.
  public var reason: String

  /// Puts the parts together.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// `path: reason`.
  public var description: String { "\(path): \(reason)" }
}

/// Why a corpus cannot be used.
public enum PairedDatasetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no such folder, nor a file.
  case missingCorpus(path: String)
  /// The folder has none of the known layouts.
  case unknownLayout(path: String)
  /// The corpus is one of `prepare voicebank` that is not complete.
  case unfinished(path: String)
  /// The corpus lacks folders of this split.
  case missingSplit(CorpusSplit, lookedFor: [String])
  /// A folder cannot be listed; `reason` is the system's.
  case unreadableFolder(path: String, reason: String)
  /// The folders of the split hold no audio, or none of its speakers.
  case emptySplit(CorpusSplit, lookedIn: [String], speakers: [String])
  /// Files that cannot be used, all of them.
  case badFiles(CorpusSplit, [BadFile])
  /// Every file of the split was skipped.
  case noUsablePair(CorpusSplit, [BadFile])

  /// What is wrong, where, and what to do. Of bad files the first 20.
  public var description: String {
    switch self {
    case .missingCorpus(let path): "\(path): no such corpus folder or packed file"
    case .unknownLayout(let path):
      "\(path) holds no corpus: looked for {train,valid,test}/{clean,noisy} and for "
        + "VoiceBank-DEMAND's {clean,noisy}_trainset_28spk_wav, {clean,noisy}_testset_wav (or "
        + "with _16k)"
    case .unfinished(let path):
      "\(path) was not prepared to its end, or has files that were rejected: run prepare voicebank "
        + "again, with --on-bad-file skip to leave rejected ones out"
    case .missingSplit(let split, let paths):
      "the corpus has no \(split.rawValue) split: looked for \(paths.joined(separator: " and "))"
    case .unreadableFolder(let path, let reason): "\(path): cannot be listed: \(reason)"
    case .emptySplit(let split, let paths, let speakers):
      "the \(split.rawValue) split is empty: no .wav or .flac file"
        + (speakers.isEmpty ? "" : " of the speakers \(speakers.joined(separator: ", "))")
        + " in \(paths.joined(separator: " and "))"
    case .badFiles(let split, let files):
      "the \(split.rawValue) split has \(NumberText.count(files.count, "unusable file")); "
        + "repair them, or leave them out with --on-bad-file skip:\n\(Self.list(files))"
    case .noUsablePair(let split, let files):
      "the \(split.rawValue) split has no usable pair of files:\n\(Self.list(files))"
    }
  }

  private static func list(_ files: [BadFile]) -> String {
    let shown = files.prefix(20).map { "  \($0)" }
    let rest = files.count - shown.count
    return (shown + (rest > 0 ? ["  and \(rest) more"] : [])).joined(separator: "\n")
  }
}
