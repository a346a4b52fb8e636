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
  /// The usable pairs, sorted by name so that no order depends on the file system.
  public let pairs: [UtterancePair]
  /// Files that are left out, with the reason; empty unless bad files are skipped.
  public let skipped: [BadFile]

  /// VoiceBank-DEMAND's customary validation speakers, one woman and one man.
  public static let voiceBankValidationSpeakers = ["p226", "p287"]

  /// Finds the split in `folder` and inspects every file: header, mono, `sampleRate` hertz, equal
  /// lengths of the two sides, a readable end. For the layouts see `CorpusLayout`.
  ///
  /// Files match by name without extension (`.wav`, `.flac`). `validationSpeakers` matter to
  /// VoiceBank-DEMAND only, where a speaker is the part of the name before `_`.
  ///
  /// - Throws: `PairedDatasetError` if the folder or the split is missing, no pair is usable or,
  ///   with `.stop`, any file is bad.
  public init(
    folder: String, split: CorpusSplit, sampleRate: Int = 16_000, onBadFile: OnBadFile = .stop,
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
    for name in Set(clean.paths.keys).union(noisy.paths.keys).sorted() {
      switch Self.inspect(
        name, clean: clean.paths[name], noisy: noisy.paths[name], folders: folders,
        sampleRate: sampleRate)
      {
      case .success(let pair): pairs.append(pair)
      case .failure(let problems): bad += problems.files
      }
    }
    if !bad.isEmpty && onBadFile == .stop { throw .badFiles(split, bad) }
    if pairs.isEmpty { throw .noUsablePair(split, bad) }
    self.split = split
    self.pairs = pairs
    skipped = bad
  }

  private struct Problems: Error {
    var files: [BadFile]
  }

  private static func inspect(
    _ name: String, clean: String?, noisy: String?, folders: CorpusLayout.Split, sampleRate: Int
  ) -> Result<UtterancePair, Problems> {
    guard let clean else {
      let reason = "has no clean side: no \(name).wav or .flac in \(folders.clean)"
      return .failure(Problems(files: [BadFile(path: noisy ?? name, reason: reason)]))
    }
    guard let noisy else {
      let reason = "has no noisy side: no \(name).wav or .flac in \(folders.noisy)"
      return .failure(Problems(files: [BadFile(path: clean, reason: reason)]))
    }
    var bad: [BadFile] = []
    let counts = [clean, noisy].map { path -> Int? in
      do throws(WaveFileError) {
        return try WaveFile.inspect(path: path, sampleRate: sampleRate).sampleCount
      } catch {
        bad.append(BadFile(path: path, reason: error.reason))
        return nil
      }
    }
    guard let cleanCount = counts[0], let noisyCount = counts[1] else {
      return .failure(Problems(files: bad))
    }
    if cleanCount != noisyCount {
      let samples = NumberText.count(noisyCount, "sample")
      let reason = "has \(samples), its clean side \(clean) has \(cleanCount)"
      return .failure(Problems(files: [BadFile(path: noisy, reason: reason)]))
    }
    return .success(
      UtterancePair(
        name: name, clean: .file(path: clean), noisy: .file(path: noisy), sampleCount: cleanCount))
  }
}
