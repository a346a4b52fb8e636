import Corpora
import Files
import Foundation

/// The four folders of a download of VoiceBank-DEMAND: clean and noisy, training and test.
struct VoiceBankFolders {
  /// A training or test set.
  struct Part {
    var split: CorpusSplit
    /// Name of the set in the folders' names, such as `trainset_28spk`.
    var name: String

    /// Name of the folder of a side in the download.
    func folder(_ side: String) -> String { "\(side)_\(name)_wav" }

    /// Name of the folder of a side at 16 kHz.
    func outputFolder(_ side: String) -> String { folder(side) + "_16k" }

    /// Number of pairs in the published set, if known.
    var publishedCount: Int? {
      switch name {
      case "trainset_28spk": 11_572
      case "testset": 824
      default: nil
      }
    }
  }

  /// An utterance that at least one side of a part has, and its files.
  struct Item: Sendable {
    var split: CorpusSplit
    var name: String
    var clean: String?
    var noisy: String?
    /// Folders of the two sides at 16 kHz, relative to the output.
    var outputFolders: (clean: String, noisy: String)
    /// Folders of the two sides, for messages.
    var folders: (clean: String, noisy: String)
  }

  static let sides = ["clean", "noisy"]
  let parts: [Part]
  /// The utterances, sorted by split and name.
  let items: [Item]
  /// Files whose name without extension is that of another file in their folder.
  let duplicates: [BadFile]

  /// Finds the folders and lists their files.
  ///
  /// - Throws: `VoiceBankError` if folders are missing, `PairedDatasetError` if one cannot be
  ///   listed.
  init(_ input: String) throws {
    func isThere(_ name: String) -> Bool { PathKind("\(input)/\(name)") == .folder }
    let sets = ["trainset_28spk", "trainset_56spk"].map { Part(split: .train, name: $0) }
    let train = sets.first { set in Self.sides.contains { isThere(set.folder($0)) } } ?? sets[0]
    parts = [train, Part(split: .test, name: "testset")]
    let missing = parts.flatMap { part in Self.sides.map(part.folder) }.filter { !isThere($0) }
    let packed = (missing + sets.flatMap { set in Self.sides.map(set.folder) }).map { "\($0).zip" }
      .filter { FileManager.default.fileExists(atPath: "\(input)/\($0)") }
    if missing.count == 4, packed.isEmpty,
      let deeper = Self.subfolders(input).first(where: { folder in
        sets.contains { set in
          Self.sides.contains { PathKind("\(folder)/\(set.folder($0))") == .folder }
        }
      })
    {
      throw VoiceBankError.foldersDeeper(in: deeper, input: input)
    }
    if !missing.isEmpty {
      throw packed.isEmpty
        ? VoiceBankError.missingFolders(missing, input: input)
        : .stillPacked(Array(Set(packed)).sorted(), input: input)
    }
    var items: [Item] = []
    var duplicates: [BadFile] = []
    for part in parts {
      let folders = (clean: part.folder("clean"), noisy: part.folder("noisy"))
      let clean = try AudioFolder("\(input)/\(folders.clean)")
      let noisy = try AudioFolder("\(input)/\(folders.noisy)")
      for files in [clean, noisy] where files.isEmpty {
        throw VoiceBankError.emptyFolder(path: files.folder, deeper: nil)
      }
      if Set(clean.paths.keys).isDisjoint(with: noisy.paths.keys) {
        // Archives are often unpacked into a folder of their own name.
        for files in [clean, noisy] {
          if let deeper = Self.onlySubfolder(of: files) {
            throw VoiceBankError.emptyFolder(path: files.folder, deeper: deeper)
          }
        }
      }
      duplicates += clean.bad + noisy.bad
      for name in Set(clean.paths.keys).union(noisy.paths.keys).sorted() {
        items.append(
          Item(
            split: part.split, name: name, clean: clean.paths[name], noisy: noisy.paths[name],
            outputFolders: (part.outputFolder("clean"), part.outputFolder("noisy")),
            folders: ("\(input)/\(folders.clean)", "\(input)/\(folders.noisy)")))
      }
    }
    self.items = items
    self.duplicates = duplicates
  }

  /// Path of the folder in which all `files` of another lie; nil if there is no such folder.
  private static func onlySubfolder(of files: AudioFolder) -> String? {
    let outer = Set(files.paths.keys.map { $0.contains("/") ? $0.prefix { $0 != "/" } : "" })
    guard outer.count == 1, let name = outer.first, !name.isEmpty else { return nil }
    return "\(files.folder)/\(name)"
  }

  /// Paths of the folders in `folder`, sorted.
  private static func subfolders(_ folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().filter { !$0.hasPrefix(".") }.map { "\(folder)/\($0)" }
      .filter { PathKind($0) == .folder }
  }
}

extension VoiceBank {
  /// Names of the folders that a download may have, and of those that are made of them.
  package static var folderNames: [(download: String, made: String)] {
    ["trainset_28spk", "trainset_56spk", "testset"].flatMap { name in
      VoiceBankFolders.sides.map { side in
        let part = VoiceBankFolders.Part(split: .train, name: name)
        return (part.folder(side), part.outputFolder(side))
      }
    }
  }
}
