import Audio
import Foundation
import Platform

/// A pair of recordings: clean speech and that speech with noise.
public struct UtterancePair: Sendable, Equatable, Codable {
  /// Name of the files without extension; with the folder, if they lie in a subfolder.
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
  public let pairs: UtteranceIndex
  /// Files that are left out, with the reason; empty unless bad files are skipped.
  public let skipped: [BadFile]
  /// Facts of the usable pairs.
  package let facts: [FileFacts.Pair]
  /// Files whose headers were read; the facts of the others were remembered.
  package let readCount: Int

  /// Finds the split in `folder` and inspects every file: header, mono, sample rate, equal lengths
  /// of the two sides, a readable end. For the layouts see `CorpusLayout`.
  ///
  /// The recordings have to be at `sampleRate`, in hertz; nil stands for the rate of most of them.
  ///
  /// Files match by name without extension (`.wav`, `.flac`), those in subfolders by their paths.
  /// `validationSpeakers` matter to VoiceBank-DEMAND only.
  ///
  /// - Throws: `PairedDatasetError` if the folder or the split is missing, no pair is usable or,
  ///   with `.stop`, any file is bad. A split at another rate as a whole is `.otherSampleRate`.
  public init(
    folder: String, split: CorpusSplit, sampleRate: Int? = nil, onBadFile: OnBadFile = .stop,
    validationSpeakers: ValidationSpeakers = .usual
  ) throws(PairedDatasetError) {
    let files = try SplitFiles(folder: folder, split: split, validationSpeakers: validationSpeakers)
    let found = PairInspection(files.listing).alone(threads: MachineFacts.usableCores())
    try self.init(files, found, sampleRate: sampleRate, onBadFile: onBadFile)
  }

  /// The usable pairs of `files`, in which `found` was found.
  init(
    _ files: SplitFiles, _ found: PairInspection.Found, sampleRate: Int?, onBadFile: OnBadFile
  ) throws(PairedDatasetError) {
    let listing = files.listing
    let usual = Self.usualSampleRate(found.facts)
    if let sampleRate, let usual, usual.isOfAll, usual.rate != sampleRate {
      throw .otherSampleRate(
        path: files.folder, files.split, expected: sampleRate, found: usual.rate)
    }
    let rate = sampleRate ?? usual?.rate ?? 0
    var bad = files.bad
    var facts: [FileFacts.Pair] = []
    facts.reserveCapacity(found.facts.count)
    var writer = UtteranceIndexWriter(
      count: listing.count, recordByteCount: UtteranceIndex.fileRecordByteCount)
    for (item, pair) in found.facts.enumerated() {
      if pair.clean.isUsable, pair.noisy.isUsable, pair.clean.sampleCount == pair.noisy.sampleCount,
        pair.clean.sampleRate == rate, pair.noisy.sampleRate == rate
      {
        writer.append(listing.text(item), sampleCount: pair.clean.sampleCount)
        facts.append(pair)
      } else {
        bad += Self.problems(listing, item, pair, found.reasons[item] ?? [:], rate: rate)
      }
    }
    if !bad.isEmpty && onBadFile == .stop { throw .badFiles(files.split, bad) }
    if facts.isEmpty { throw .noUsablePair(files.split, bad) }
    split = files.split
    self.sampleRate = rate
    pairs = writer.index(
      .folders(clean: listing.folders.clean, noisy: listing.folders.noisy), sampleRate: rate)
    self.facts = facts
    skipped = bad
    readCount = found.readCount
  }

  /// The rate of most of the files that can be read, and whether it is that of all; of equally
  /// frequent ones the lowest. Nil if there is no such file.
  private static func usualSampleRate(_ pairs: [FileFacts.Pair]) -> (rate: Int, isOfAll: Bool)? {
    var counts: [Int32: Int] = [:]
    var total = 0
    for pair in pairs {
      for side in CorpusSide.allCases where pair[side].isUsable {
        counts[pair[side].sampleRate, default: 0] += 1
        total += 1
      }
    }
    let usual = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
    return usual.map { (Int($0.key), $0.value == total) }
  }

  /// The reasons against the pair number `item`.
  private static func problems(
    _ listing: PairListing, _ item: Int, _ pair: FileFacts.Pair, _ reasons: [CorpusSide: String],
    rate: Int
  ) -> [BadFile] {
    let names = listing.names(item)
    for (side, other) in [(CorpusSide.clean, CorpusSide.noisy), (.noisy, .clean)]
    where pair[side].state == .absent {
      let folder = side == .clean ? listing.folders.clean : listing.folders.noisy
      let reason = "has no \(side.rawValue) side: no \(names.name).wav or .flac in \(folder)"
      return [BadFile(path: listing.path(names, other), reason: reason)]
    }
    let bad = CorpusSide.allCases.compactMap { side -> BadFile? in
      let path = listing.path(names, side)
      if let reason = reasons[side] { return BadFile(path: path, reason: reason) }
      if Int(pair[side].sampleRate) == rate { return nil }
      let error = WaveFileError.wrongSampleRate(
        path: path, expected: rate, found: Int(pair[side].sampleRate))
      return BadFile(path: path, reason: error.reason)
    }
    if !bad.isEmpty { return bad }
    let samples = NumberText.count(pair.noisy.sampleCount, "sample")
    let clean = listing.path(names, .clean)
    return [
      BadFile(
        path: listing.path(names, .noisy),
        reason: "has \(samples), its clean side \(clean) has \(pair.clean.sampleCount)")
    ]
  }
}

/// The files of a split, found and not yet inspected.
struct SplitFiles {
  /// The corpus.
  let folder: String
  let split: CorpusSplit
  let listing: PairListing
  /// Files that cannot be part of a pair because of their names.
  let bad: [BadFile]

  /// Finds them. `known`: what an earlier run found.
  init(
    folder: String, split: CorpusSplit, validationSpeakers: ValidationSpeakers,
    known: RememberedPairs? = nil
  ) throws(PairedDatasetError) {
    let layout = try CorpusLayout(folder: folder)
    let folders = try layout.folders(split, validationSpeakers: validationSpeakers)
    var missing = folders.speakers.asked
    var isEmpty = true
    func take(_ name: String) -> Bool {
      isEmpty = false
      missing.subtract(CorpusLayout.Speakers.candidates(name))
      return folders.speakers.contain(name)
    }
    let clean = try AudioFolder(folders.clean, taking: take)
    let noisy = try AudioFolder(folders.noisy, taking: take)
    if !missing.isEmpty {
      throw .unknownSpeakers(path: folder, speakers: missing.sorted())
    }
    if clean.isEmpty && noisy.isEmpty {
      if !isEmpty, !folders.speakers.others.isEmpty {
        throw .onlyValidationSpeakers(path: folder, speakers: folders.speakers.others)
      }
      throw .emptySplit(
        split, lookedIn: [folders.clean, folders.noisy], speakers: folders.speakers.only)
    }
    self.folder = folder
    self.split = split
    bad = clean.bad + noisy.bad
    listing = PairListing(clean: clean, noisy: noisy, known: known)
  }
}
