import Corpora
import Platform

/// Reasons for which VoiceBank-DEMAND cannot be prepared.
public enum VoiceBankError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Folders of the download are missing.
  case missingFolders([String], input: String)
  /// A folder of the download holds no audio; `deeper` is a folder in it, or in `input`, that does.
  case emptyFolder(path: String, deeper: String?)
  /// The four folders are one folder deeper than `input`.
  case foldersDeeper(in: String, input: String)
  /// Archives of the download have not been unpacked.
  case stillPacked([String], input: String)
  /// All files are at 16 kHz already.
  case alreadyResampled(input: String)
  /// The output folder holds recordings that this command did not make.
  case foreignFolder(path: String)
  /// The output folder holds a file of a name that the command writes, made by something else.
  case foreignFile(path: String)
  /// The output folder holds recordings of sources that are gone.
  case sourcesGone(count: Int, example: String, input: String)
  /// The output folder holds files of another format.
  case otherFormat(path: String, found: String)
  /// Another process is preparing the folder.
  case busy(path: String)
  /// A file or folder cannot be written; `reason` is the system's.
  case unwritable(path: String, reason: String)
  /// Some files cannot be used; all other pairs are prepared.
  case rejected(count: Int, table: String)
  /// No pair of the split can be used.
  case noUsablePair(CorpusSplit, table: String)
  /// The folder has no manifest, or one that cannot be parsed.
  case noManifest(path: String)
  /// The preparation of the folder was not completed.
  case unfinished(path: String)
  /// Some files are missing or have changed since they were prepared.
  case damaged(count: Int, path: String)

  /// One sentence that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .missingFolders(let names, let input):
      "\(input): the download of VoiceBank-DEMAND is incomplete: it has no "
        + "\(names.joined(separator: ", no ")); --input takes the folder that contains all four"
    case .emptyFolder(let path, let deeper):
      "\(path): the folder holds no .wav or .flac file; "
        + (deeper.map { "there are some in \($0): move them one folder up" }
          ?? "unpack the archive of the download again")
    case .foldersDeeper(let folder, let input):
      "\(input): the folders of VoiceBank-DEMAND are in \(folder); give that as --input"
    case .stillPacked(let names, let input):
      "\(input): archives are still packed (\(names.joined(separator: ", "))); unzip them there, "
        + "then start again"
    case .alreadyResampled(let input):
      "\(input): all files are at 16 kHz already, so there is nothing to prepare; give train and "
        + "prepare pack this folder"
    case .foreignFolder(let path):
      "\(path): the folder holds files that this command has not made; choose another --output"
    case .foreignFile(let path):
      "\(path): this command writes a file of this name, and has not made the one that is there; "
        + "move it, or choose another --output"
    case .sourcesGone(let count, let example, let input):
      "\(NumberText.count(count, "file")) of --output, such as \(example), "
        + "\(NumberText.agree(count, "has", "have")) no source in \(input) any more; choose "
        + "another --output"
    case .otherFormat(let path, let found):
      "\(path): the folder holds .\(found) files; choose --format \(found), or another --output"
    case .busy(let path):
      "\(path): another process is preparing this folder; wait until it has ended"
    case .unwritable(let path, let reason): "\(path): cannot be written: \(reason)"
    case .rejected(let count, let table):
      "\(NumberText.count(count, "unusable file")), listed in \(table); repair them and start "
        + "again (finished files are kept), or leave them out with --on-bad-file skip"
    case .noUsablePair(let split, let table):
      "no pair of the \(split.rawValue) set can be used; \(table) has the reasons"
    case .noManifest(let path):
      "\(path): the folder has no manifest to verify it by; give a folder of prepare voicebank or "
        + "prepare minicorpus"
    case .unfinished(let path):
      "\(path): the preparation was not completed; run prepare voicebank again"
    case .damaged(let count, let path):
      "\(path): \(NumberText.count(count, "file")) \(NumberText.agree(count, "is", "are")) "
        + "missing or changed; run the command that prepared the folder again, which restores them"
    }
  }
}
