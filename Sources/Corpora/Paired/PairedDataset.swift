import Audio
import Foundation
import Platform

/// A pair of recordings: clean speech and that speech with noise.
public struct UtterancePair: Sendable, Equatable, Codable {
  /// Name of the files without extension.
  public var name: String
  /// The recording of clean speech.
  public var clean: Recording
  /// The recording of noisy speech.
  public var noisy: Recording
  /// Length of each recording, in samples.
  public var sampleCount: Int

  /// Pair of which both recordings have `sampleCount` samples.
  public init(name: String, clean: Recording, noisy: Recording, sampleCount: Int) {
    self.name = name
    self.clean = clean
    self.noisy = noisy
    self.sampleCount = sampleCount
  }
}

/// The treatment of files that cannot be used.
public enum OnBadFile: String, Sendable, CaseIterable {
  /// Refuse the corpus, naming every such file.
  case stop
  /// Leave out the pairs of such files and list them.
  case skip
}

/// A split of a corpus: pairs of clean and noisy files, each inspected, sorted by name.
public struct PairedDataset: Sendable {
  /// The split of the corpus.
  public let split: CorpusSplit
  /// Sample rate of the recordings, in hertz.
  public let sampleRate: Int
  /// The usable pairs, sorted by name so that no order depends on the file system.
  public let pairs: [UtterancePair]
  /// Files that are left out, with the reason; empty unless bad files are skipped.
  public let skipped: [BadFile]

  /// VoiceBank-DEMAND's customary validation speakers, one woman and one man.
  public static let voiceBankValidationSpeakers = ["p226", "p287"]

  /// Finds the split in `folder` and inspects every file: header, mono, sample rate, equal lengths
  /// of the two sides, a readable end. For the layouts see `CorpusLayout`.
  ///
  /// The recordings have to be at `sampleRate`, in hertz; nil stands for the rate of most of them.
  ///
  /// Files match by name without extension (`.wav`, `.flac`). `validationSpeakers` matter to
  /// VoiceBank-DEMAND only, where a speaker is the part of the name before `_`.
  ///
  /// - Throws: `PairedDatasetError` if the folder or the split is missing, no pair is usable or,
  ///   with `.stop`, any file is bad. A split at another rate as a whole is `.otherSampleRate`.
  public init(
    folder: String, split: CorpusSplit, sampleRate: Int? = nil, onBadFile: OnBadFile = .stop,
    validationSpeakers: [String] = PairedDataset.voiceBankValidationSpeakers
  ) throws(PairedDatasetError) {
    let folders = try CorpusLayout(folder: folder)
      .folders(split, validationSpeakers: validationSpeakers)
    let clean = try AudioFolder(folders.clean, taking: folders.speakers.contain)
    let noisy = try AudioFolder(folders.noisy, taking: folders.speakers.contain)
    if clean.isEmpty && noisy.isEmpty {
      let speakers = if case .only = folders.speakers { validationSpeakers } else { [String]() }
      throw .emptySplit(split, lookedIn: [folders.clean, folders.noisy], speakers: speakers)
    }
    var pairs: [UtterancePair] = []
    var bad = clean.duplicates + noisy.duplicates
    let names = Set(clean.paths.keys).union(noisy.paths.keys).sorted()
    let sides = names.map { Sides($0, clean: clean.paths[$0], noisy: noisy.paths[$0]) }
    let found = Self.usualSampleRate(sides)
    if let sampleRate, let found, found.isOfAll, found.rate != sampleRate {
      throw .otherSampleRate(path: folder, split, expected: sampleRate, found: found.rate)
    }
    let rate = sampleRate ?? found?.rate ?? 0
    for sides in sides {
      switch sides.pair(folders: folders, sampleRate: rate) {
      case .success(let pair): pairs.append(pair)
      case .failure(let problems): bad += problems.files
      }
    }
    if !bad.isEmpty && onBadFile == .stop { throw .badFiles(split, bad) }
    if pairs.isEmpty { throw .noUsablePair(split, bad) }
    self.split = split
    self.sampleRate = rate
    self.pairs = pairs
    skipped = bad
  }

  /// The rate of most of the files that can be read, and whether it is that of all; of equally
  /// frequent ones the lowest. Nil if there is no such file.
  private static func usualSampleRate(_ sides: [Sides]) -> (rate: Int, isOfAll: Bool)? {
    let rates = sides.flatMap(\.infos).map(\.sampleRate)
    let counts = Dictionary(rates.map { ($0, 1) }, uniquingKeysWith: +)
    let usual = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
    return usual.map { ($0.key, $0.value == rates.count) }
  }

  private struct Problems: Error {
    var files: [BadFile]
  }

  /// The two files of a name, inspected.
  private struct Sides {
    private let name: String
    private let clean: Side?
    private let noisy: Side?

    private typealias Side = (path: String, inspection: Result<WaveInfo, WaveFileError>)

    init(_ name: String, clean: String?, noisy: String?) {
      func inspected(_ path: String?) -> Side? {
        path.map { path in
          (path, Result { () throws(WaveFileError) in try WaveFile.inspect(path: path) })
        }
      }
      self.name = name
      self.clean = inspected(clean)
      self.noisy = inspected(noisy)
    }

    /// Facts about the files that can be read.
    var infos: [WaveInfo] {
      [clean, noisy].compactMap { side in side.flatMap { try? $0.inspection.get() } }
    }

    /// The pair, or the reasons against it.
    func pair(folders: CorpusLayout.Split, sampleRate: Int) -> Result<UtterancePair, Problems> {
      guard let clean else {
        let reason = "has no clean side: no \(name).wav or .flac in \(folders.clean)"
        return .failure(Problems(files: [BadFile(path: noisy?.path ?? name, reason: reason)]))
      }
      guard let noisy else {
        let reason = "has no noisy side: no \(name).wav or .flac in \(folders.noisy)"
        return .failure(Problems(files: [BadFile(path: clean.path, reason: reason)]))
      }
      var bad: [BadFile] = []
      let counts = [clean, noisy].map { side -> Int? in
        do throws(WaveFileError) {
          let info = try side.inspection.get()
          try info.require(sampleRate: sampleRate, path: side.path)
          return info.sampleCount
        } catch {
          bad.append(BadFile(path: side.path, reason: error.reason))
          return nil
        }
      }
      guard let cleanCount = counts[0], let noisyCount = counts[1] else {
        return .failure(Problems(files: bad))
      }
      if cleanCount != noisyCount {
        let samples = NumberText.count(noisyCount, "sample")
        let reason = "has \(samples), its clean side \(clean.path) has \(cleanCount)"
        return .failure(Problems(files: [BadFile(path: noisy.path, reason: reason)]))
      }
      return .success(
        UtterancePair(
          name: name, clean: .file(path: clean.path), noisy: .file(path: noisy.path),
          sampleCount: cleanCount))
    }
  }
}
