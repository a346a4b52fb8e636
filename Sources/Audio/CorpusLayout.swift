import Foundation

/// How a corpus of noisy and clean speech lies on disk.
///
/// Two layouts are known and told apart by their folders:
/// - `{train,valid,test}/{clean,noisy}`, any of the splits;
/// - VoiceBank-DEMAND: `{clean,noisy}_trainset_28spk_wav` and `{clean,noisy}_testset_wav`, each
///   also with `_16k` appended, which is preferred. Its validation split is made of whole speakers
///   of the training set.
struct CorpusLayout: Equatable {
  enum Kind: Equatable { case splitFolders, voiceBank }

  /// The two folders of a split and the speakers that belong to it.
  struct Split: Equatable {
    var clean: String
    var noisy: String
    var speakers: Speakers = .all
  }

  enum Speakers: Equatable {
    case all
    case only(Set<String>)
    case allBut(Set<String>)

    func contain(_ fileName: String) -> Bool {
      let speaker = String(fileName.prefix { $0 != "_" })
      return switch self {
      case .all: true
      case .only(let speakers): speakers.contains(speaker)
      case .allBut(let speakers): !speakers.contains(speaker)
      }
    }
  }

  let folder: String
  let kind: Kind

  /// Finds the layout of `folder`.
  init(folder: String) throws(PairedDatasetError) {
    guard Self.isFolder(folder) else { throw .missingCorpus(path: folder) }
    self.folder = folder
    let splits = CorpusSplit.allCases.flatMap { split in
      ["clean", "noisy"].map { "\(folder)/\(split.rawValue)/\($0)" }
    }
    let voiceBank = ["trainset_28spk", "testset"].flatMap { set in
      ["clean", "noisy"].map { Self.voiceBankFolder(folder, side: $0, set: set) }
    }
    if splits.contains(where: Self.isFolder) {
      kind = .splitFolders
    } else if voiceBank.contains(where: Self.isFolder) {
      kind = .voiceBank
    } else {
      throw .unknownLayout(path: folder)
    }
  }

  /// The folders of `split`; throws when they are not there.
  func folders(
    _ split: CorpusSplit, validationSpeakers: [String]
  ) throws(PairedDatasetError) -> Split {
    var result: Split
    switch kind {
    case .splitFolders:
      let root = "\(folder)/\(split.rawValue)"
      result = Split(clean: "\(root)/clean", noisy: "\(root)/noisy")
    case .voiceBank:
      let set = split == .test ? "testset" : "trainset_28spk"
      result = Split(
        clean: Self.voiceBankFolder(folder, side: "clean", set: set),
        noisy: Self.voiceBankFolder(folder, side: "noisy", set: set))
      if split == .train { result.speakers = .allBut(Set(validationSpeakers)) }
      if split == .valid { result.speakers = .only(Set(validationSpeakers)) }
    }
    let missing = [result.clean, result.noisy].filter { !Self.isFolder($0) }
    if !missing.isEmpty { throw .missingSplit(split, lookedFor: missing) }
    return result
  }

  private static func voiceBankFolder(_ folder: String, side: String, set: String) -> String {
    let name = "\(folder)/\(side)_\(set)_wav"
    return isFolder(name + "_16k") ? name + "_16k" : name
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
