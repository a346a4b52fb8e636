import Platform

/// Why VoiceBank-DEMAND cannot be prepared.
public enum VoiceBankError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Folders of the download are missing.
  case missingFolders([String], input: String)
  /// Archives of the download have not been unpacked.
  case stillPacked([String], input: String)
  /// Everything is at 16 kHz already.
  case alreadyResampled(input: String)
  /// The output folder holds recordings that this command did not make.
  case foreignFolder(path: String)
  /// The output folder holds recordings of sources that are gone.
  case sourcesGone(count: Int, example: String, input: String)
  /// The output folder holds files of another format.
  case otherFormat(path: String, found: String)
  /// Another process prepares the same folder.
  case busy(path: String)
  /// A file or folder cannot be written; `reason` is the system's.
  case unwritable(path: String, reason: String)
  /// Files that cannot be used; everything else is done.
  case rejected(count: Int, table: String)
  /// No pair of the split can be used.
  case noUsablePair(CorpusSplit, table: String)
  /// The folder has no list of its files, or it cannot be understood.
  case noManifest(path: String)
  /// The preparation of the folder was not completed.
  case unfinished(path: String)
  /// Files that are not as they were prepared.
  case damaged(count: Int, path: String)

  /// One sentence saying what is wrong and what to do.
  public var description: String {
    switch self {
    case .missingFolders(let names, let input):
      "\(input) is no whole download of VoiceBank-DEMAND: it has no "
        + "\(names.joined(separator: ", no ")); --input names the folder above the four"
    case .stillPacked(let names, let input):
      "\(input) holds archives that are still packed (\(names.joined(separator: ", "))): unzip them "
        + "there, then start again"
    case .alreadyResampled(let input):
      "all files of \(input) are at 16 kHz already, so there is nothing to prepare; give the folder "
        + "to train and prepare pack as it is"
    case .foreignFolder(let path):
      "\(path) is there already and no list of it by this command; choose another --output"
    case .sourcesGone(let count, let example, let input):
      "\(NumberText.count(count, "file")) of --output, such as \(example), "
        + "\(NumberText.agree(count, "has", "have")) no source in \(input) any more; choose another --output"
    case .otherFormat(let path, let found):
      "\(path) holds .\(found) files; choose --format \(found), or another --output"
    case .busy(let path): "\(path) is being prepared by another process"
    case .unwritable(let path, let reason): "\(path): cannot be written: \(reason)"
    case .rejected(let count, let table):
      "\(NumberText.count(count, "unusable file")), listed in \(table); repair them and start "
        + "again (what is done is kept), or leave them out with --on-bad-file skip"
    case .noUsablePair(let split, let table):
      "no pair of the \(split.rawValue) set can be used; \(table) says why"
    case .noManifest(let path):
      "\(path) has no manifest of prepare voicebank or prepare minicorpus to verify it by"
    case .unfinished(let path):
      "\(path) was not prepared to its end: run prepare voicebank again"
    case .damaged(let count, let path):
      "\(path): \(NumberText.count(count, "file")) \(NumberText.agree(count, "is", "are")) not as "
        + "prepared; run the command that made the folder again, it makes what is missing or has changed"
    }
  }
}
