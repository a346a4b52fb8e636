import Platform

/// Why a file cannot be used as a packed corpus.
public enum PackedCorpusError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file is no whole safetensors file; `reason` names it and the fault.
  case notWhole(reason: String)
  /// A safetensors file of something else.
  case notACorpus(path: String)
  /// Made by a program of another time.
  case otherFormat(path: String, found: String)
  /// Its metadata lack a key, or have a value that makes no sense.
  case badMetadata(path: String, key: String, found: String?)
  /// Its header or its checksums are not what they were when it was packed.
  case badChecksums(path: String)
  /// Its recordings have another sample rate than the model.
  case wrongSampleRate(path: String, expected: Int, found: Int)
  /// A recording that is not as the program packs it.
  case badRecording(path: String, name: String, reason: String)
  /// Recordings that do not fit their checksums; told one by one elsewhere.
  case damagedRecordings(path: String, count: Int, of: Int)
  /// No recording is of these speakers.
  case noSpeaker(path: String, CorpusSplit, speakers: [String])

  private static let remedy = "copy it again, or make it anew with disttrain prepare pack"

  /// One sentence that names the file and says what to do.
  public var description: String {
    switch self {
    case .notWhole(let reason):
      "\(reason.hasSuffix(".") ? String(reason.dropLast()) : reason); --data takes a corpus folder "
        + "or a whole file of disttrain prepare pack: copy it again, or make it anew"
    case .notACorpus(let path):
      "\(path) is a safetensors file, but no packed corpus; --data takes a corpus folder or a file "
        + "of disttrain prepare pack"
    case .otherFormat(let path, let found):
      "\(path) is a packed corpus of format \"\(found)\", and this program reads \""
        + "\(PackHead.format)\" and \"\(PackHead.earlierFormat)\"; make it anew with disttrain "
        + "prepare pack"
    case .badMetadata(let path, let key, let found):
      "\(path) is a damaged packed corpus: its \"\(key)\" is "
        + "\(found.map { "\"\($0)\"" } ?? "missing"); \(Self.remedy)"
    case .badChecksums(let path):
      "\(path) is a damaged packed corpus: its header or its checksums have changed since it was "
        + "packed; \(Self.remedy)"
    case .wrongSampleRate(let path, let expected, let found):
      "\(path): the corpus is at \(found) Hz, and the model takes \(expected) Hz; pack a corpus at "
        + "\(expected) Hz" + PairedDatasetError.otherPreset(sampleRate: found)
    case .badRecording(let path, let name, let reason):
      "\(path) is a damaged packed corpus: \"\(name)\" \(reason); \(Self.remedy)"
    case .damagedRecordings(let path, let count, let total):
      "\(path): \(count) of \(NumberText.count(total, "recording")) "
        + "\(NumberText.agree(count, "is", "are")) damaged; \(Self.remedy)"
    case .noSpeaker(let path, let split, let speakers):
      "\(path): the \(split.rawValue) split is empty with the validation speakers "
        + "\(speakers.joined(separator: ", ")); check --validation-speakers"
    }
  }
}
