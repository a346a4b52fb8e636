import Files
import Foundation

/// The layout of a corpus of noisy and clean speech on disk.
///
/// Two layouts are known and distinguished by their folders:
/// - `{train,valid,test}/{clean,noisy}`, any of the splits;
/// - VoiceBank-DEMAND: `{clean,noisy}_trainset_28spk_wav` (or, without it, `56spk`) and
///   `{clean,noisy}_testset_wav`, each also with `_16k` appended, which is preferred. Its
///   validation split consists of whole speakers of the training set.
package struct CorpusLayout: Equatable {
  /// A kind of layout; packed corpora store the raw value of the folder that they were made from.
  package enum Kind: String {
    case splitFolders = "splits"
    case voiceBank = "voicebank"

    /// The splits that have recordings of their own.
    package var ownSplits: [CorpusSplit] {
      self == .voiceBank ? [.train, .test] : CorpusSplit.allCases
    }

    /// The split that has the recordings of `split`, and the speakers that belong to `split`.
    package func source(
      of split: CorpusSplit, validationSpeakers: ValidationSpeakers
    ) -> (split: CorpusSplit, speakers: Speakers) {
      switch (self, split) {
      case (.voiceBank, .train): (.train, Speakers(.others, validationSpeakers))
      case (.voiceBank, .valid): (.train, Speakers(.these, validationSpeakers))
      default: (split, Speakers())
      }
    }

    /// Throws if speakers were asked for where they mean nothing: in a corpus, called `path`, that
    /// does not know them, or for the test split.
    package func require(
      _ speakers: ValidationSpeakers, _ split: CorpusSplit, path: String
    ) throws(PairedDatasetError) {
      if self == .voiceBank && speakers.isAsked && !speakers.names.isEmpty && split == .test {
        throw .splitWithoutSpeakers(path: path, split)
      }
      if self != .voiceBank && speakers.isAsked && !speakers.names.isEmpty {
        throw .noSpeakers(path: path, speakers: speakers.names)
      }
    }
  }

  /// The two folders of a split and the speakers that belong to it.
  struct Split: Equatable {
    var clean: String
    var noisy: String
    var speakers = Speakers()
  }

  /// A choice of speakers; in VoiceBank-DEMAND a speaker is the part of a file's name before `_`,
  /// or a folder that the file lies in.
  package struct Speakers: Equatable {
    /// The recordings that are chosen.
    package enum Choice: Equatable {
      case all
      /// The recordings of the speakers.
      case these
      /// The recordings of all others.
      case others
    }

    private let choice: Choice
    private let names: Set<String>
    private let isAsked: Bool

    /// All recordings.
    init() {
      choice = .all
      names = []
      isAsked = false
    }

    /// The recordings of the validation speakers, or of all others.
    init(_ choice: Choice, _ speakers: ValidationSpeakers) {
      self.choice = choice
      names = Set(speakers.names)
      isAsked = speakers.isAsked
    }

    /// Whether the recording `name` is chosen.
    package func contain(_ name: String) -> Bool {
      if choice == .all { return true }
      let isTheirs = Self.candidates(name).contains { names.contains($0) }
      return isTheirs == (choice == .these)
    }

    /// Names that may be that of the speaker of the recording `name`.
    package static func candidates(_ name: String) -> [String] {
      let parts = name.split(separator: "/")
      return [String((parts.last ?? "").prefix { $0 != "_" })] + parts.dropLast().map(String.init)
    }

    /// Names that somebody has asked for, each of which has to be found.
    package var asked: Set<String> { isAsked ? names : [] }
    /// The speakers, where all but theirs are chosen.
    var others: [String] { choice == .others ? names.sorted() : [] }
    /// The speakers, where only theirs are chosen.
    var only: [String] { choice == .these ? names.sorted() : [] }
  }

  package let folder: String
  package let kind: Kind
  /// Name of the file that a corpus has while it is being prepared.
  package static let unfinishedName = "UNFINISHED"

  /// Finds the layout of `folder`.
  ///
  /// - Throws: `PairedDatasetError` if the folder is missing, has no known layout, or was not
  ///   prepared completely.
  package init(folder: String) throws(PairedDatasetError) {
    guard Self.isFolder(folder) else { throw .missingCorpus(path: folder) }
    self.folder = folder
    let splits = CorpusSplit.allCases.flatMap { split in
      ["clean", "noisy"].map { "\(folder)/\(split.rawValue)/\($0)" }
    }
    let voiceBank = (Self.trainingSets + ["testset"]).flatMap { set in
      ["clean", "noisy"].map { Self.voiceBankFolder(folder, side: $0, set: set) }
    }
    if splits.contains(where: Self.isFolder) {
      kind = .splitFolders
    } else if voiceBank.contains(where: Self.isFolder) {
      kind = .voiceBank
      // An interrupted `prepare voicebank` leaves fewer pairs; without this check training would
      // silently use the partial corpus.
      if FileManager.default.fileExists(atPath: "\(folder)/\(Self.unfinishedName)") {
        throw .unfinished(path: folder)
      }
    } else {
      throw .unknownLayout(path: folder)
    }
  }

  /// The folders of `split`.
  ///
  /// - Throws: `PairedDatasetError.missingSplit`.
  func folders(
    _ split: CorpusSplit, validationSpeakers: ValidationSpeakers
  ) throws(PairedDatasetError) -> Split {
    try kind.require(validationSpeakers, split, path: folder)
    let source = kind.source(of: split, validationSpeakers: validationSpeakers)
    let (clean, noisy) = sides(source.split)
    let missing = [clean, noisy].filter { !Self.isFolder($0) }
    if !missing.isEmpty { throw .missingSplit(split, lookedFor: missing) }
    return Split(clean: clean, noisy: noisy, speakers: source.speakers)
  }

  /// Whether at least one side of `split`, one of the layout's own splits, has a folder.
  package func holds(_ split: CorpusSplit) -> Bool {
    let (clean, noisy) = sides(split)
    return Self.isFolder(clean) || Self.isFolder(noisy)
  }

  private func sides(_ split: CorpusSplit) -> (clean: String, noisy: String) {
    switch kind {
    case .splitFolders:
      let root = "\(folder)/\(split.rawValue)"
      return ("\(root)/clean", "\(root)/noisy")
    case .voiceBank:
      let set = split == .test ? "testset" : trainingSet
      return (
        Self.voiceBankFolder(folder, side: "clean", set: set),
        Self.voiceBankFolder(folder, side: "noisy", set: set)
      )
    }
  }

  /// VoiceBank-DEMAND's training sets, the customary one first.
  private static let trainingSets = ["trainset_28spk", "trainset_56spk"]

  /// The first training set that has a folder.
  private var trainingSet: String {
    Self.trainingSets.first { set in
      ["clean", "noisy"].contains {
        Self.isFolder(Self.voiceBankFolder(folder, side: $0, set: set))
      }
    } ?? Self.trainingSets[0]
  }

  private static func voiceBankFolder(_ folder: String, side: String, set: String) -> String {
    let name = "\(folder)/\(side)_\(set)_wav"
    return isFolder(name + "_16k") ? name + "_16k" : name
  }

  private static func isFolder(_ path: String) -> Bool { PathKind(path) == .folder }
}

/// The speakers of a corpus that are kept for validation.
public struct ValidationSpeakers: Sendable, Equatable, ExpressibleByArrayLiteral {
  /// Their names.
  public var names: [String]
  /// Whether a user has named them: then each has to be there.
  public var isAsked: Bool

  /// VoiceBank-DEMAND's customary ones, one woman and one man, as far as they are there.
  public static let usual = ValidationSpeakers(["p226", "p287"], isAsked: false)

  /// The speakers `names`, of whom some may be missing unless a user asked for them.
  public init(_ names: [String], isAsked: Bool = true) {
    self.names = names
    self.isAsked = isAsked
  }

  /// Speakers that a user asked for.
  public init(arrayLiteral names: String...) { self.init(names) }
}
