import Platform

/// A file that cannot be used for training.
public struct BadFile: Equatable, Sendable, CustomStringConvertible, Codable {
  /// Path of the file.
  public var path: String
  /// The fault of the file, as a clause.
  public var reason: String

  /// A bad file with its path and the reason.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// The text `path: reason`.
  public var description: String { "\(path): \(reason)" }
}

/// Reasons for which a corpus cannot be used.
public enum PairedDatasetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The path is neither a folder nor a file.
  case missingCorpus(path: String)
  /// The folder has none of the known layouts.
  case unknownLayout(path: String)
  /// The corpus was made by `prepare voicebank` and is not complete.
  case unfinished(path: String)
  /// The corpus lacks folders of this split.
  case missingSplit(CorpusSplit, lookedFor: [String])
  /// A folder cannot be listed; `reason` is the system's.
  case unreadableFolder(path: String, reason: String)
  /// The folders of the split hold no audio, or none of its speakers.
  case emptySplit(CorpusSplit, lookedIn: [String], speakers: [String])
  /// Speakers were asked for, of whom there is no recording.
  case unknownSpeakers(path: String, speakers: [String])
  /// The training set has no speaker besides these, who are kept for validation.
  case onlyValidationSpeakers(path: String, speakers: [String])
  /// Speakers were asked for, but the split does not depend on them.
  case splitWithoutSpeakers(path: String, CorpusSplit)
  /// Speakers were asked for in a corpus whose validation set has folders of its own.
  case noSpeakers(path: String, speakers: [String])
  /// The split has files that cannot be used; carries all of them.
  case badFiles(CorpusSplit, [BadFile])
  /// All files of the split have another sample rate than the model.
  case otherSampleRate(path: String, CorpusSplit, expected: Int, found: Int)
  /// The split has another sample rate than the corpus's first split.
  case mixedSampleRates(path: String, CorpusSplit, expected: Int, found: Int)
  /// Every file of the split was skipped.
  case noUsablePair(CorpusSplit, [BadFile])

  /// One sentence that says where something is wrong and what to do, followed by the first 20 bad
  /// files.
  public var description: String {
    switch self {
    case .missingCorpus(let path): "\(path): no such corpus folder or packed file"
    case .unknownLayout(let path):
      "\(path): the folder holds no corpus; looked for {train,valid,test}/{clean,noisy} and for "
        + "VoiceBank-DEMAND's {clean,noisy}_trainset_28spk_wav, {clean,noisy}_testset_wav (or "
        + "with _16k)"
    case .unfinished(let path):
      "\(path): the preparation was interrupted, or has rejected files; run prepare voicebank "
        + "again, with --on-bad-file skip to leave out rejected files"
    case .missingSplit(let split, let paths):
      "the corpus has no \(split.rawValue) split; looked for \(paths.joined(separator: " and "))"
    case .unreadableFolder(let path, let reason): "\(path): the folder cannot be listed: \(reason)"
    case .emptySplit(let split, let paths, let speakers):
      "the \(split.rawValue) split is empty: no .wav or .flac file"
        + (speakers.isEmpty ? "" : " of the speakers \(speakers.joined(separator: ", "))")
        + " in \(paths.joined(separator: " and ")) or in folders inside"
    case .unknownSpeakers(let path, let speakers):
      "\(path): the training set has no recording of the "
        + "\(NumberText.agree(speakers.count, "speaker", "speakers")) "
        + "\(speakers.joined(separator: ", ")); check --validation-speakers"
    case .noSpeakers(let path, let speakers):
      "\(path): --validation-speakers \(speakers.joined(separator: " ")) does not apply: this is "
        + "not the layout of VoiceBank-DEMAND, and the validation split is what lies in "
        + "valid/clean and valid/noisy; omit the option"
    case .splitWithoutSpeakers(let path, let split):
      "\(path): the \(split.rawValue) split does not depend on --validation-speakers; omit the "
        + "option"
    case .onlyValidationSpeakers(let path, let speakers):
      "\(path): the training set has no speaker besides those that are kept for validation "
        + "(\(speakers.joined(separator: ", "))); keep fewer with --validation-speakers"
    case .badFiles(let split, let files):
      "the \(split.rawValue) split has \(NumberText.count(files.count, "unusable file")); repair "
        + "\(NumberText.agree(files.count, "it, or leave it", "them, or leave them")) out with "
        + "--on-bad-file skip:\n\(Self.list(files))"
    case .otherSampleRate(let path, let split, let expected, let found):
      "\(path): the \(split.rawValue) split is at \(found) Hz, and the model takes \(expected) Hz; "
        + "give a corpus at \(expected) Hz" + Self.otherPreset(sampleRate: found)
    case .mixedSampleRates(let path, let split, let expected, let found):
      "\(path): the \(split.rawValue) split is at \(found) Hz, and the splits before it are at "
        + "\(expected) Hz; resample one of them"
    case .noUsablePair(let split, let files):
      "the \(split.rawValue) split has no usable pair of files:\n\(Self.list(files))"
    }
  }

  /// Words about presets for speech at `sampleRate`, where there can be some.
  static func otherPreset(sampleRate: Int) -> String {
    (8000...48_000).contains(sampleRate)
      ? ", or a preset whose front_end has \"sample_rate\": \(sampleRate)" : ""
  }

  private static func list(_ files: [BadFile]) -> String {
    let shown = files.prefix(20).map { "  \($0)" }
    let rest = files.count - shown.count
    return (shown + (rest > 0 ? ["  and \(rest) more"] : [])).joined(separator: "\n")
  }
}
