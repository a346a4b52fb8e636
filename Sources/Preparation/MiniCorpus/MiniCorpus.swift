import Corpora
import Foundation
import Platform

/// A small corpus of noisy speech made from recordings in Debian's packages, for demonstrations
/// and experiments without a research corpus.
///
/// The folder has the layout `{train,valid,test}/{clean,noisy}/<speaker>_<number>.flac` that
/// `PairedDataset` reads. Each speaker belongs to one split; the test split has other kinds of
/// noise than training. Seed and package versions determine the files.
public enum MiniCorpus {
  /// Makes the corpus in folder `output`, or keeps a corpus that is there and whole.
  ///
  /// This needs `apt-get`, `dpkg-deb`, libspandsp2 and libsoxr0 unless the corpus is kept, but not
  /// root. `full` takes all voices and prompts. `progress` is called on the calling thread with one
  /// line of text at a time. After an interruption the next call starts the build from the
  /// beginning; downloads are kept in `output/.packages`.
  ///
  /// - Throws: `MiniCorpusError`, `DynamicLibraryError` or `WaveFileError`.
  public static func prepare(
    output: String, full: Bool = false, seed: UInt64 = 1, progress: (String) -> Void
  ) throws -> MiniCorpusReport {
    let stopwatch = Stopwatch()
    // The tools run in other folders, where a relative path would name another folder.
    let output = URL(fileURLWithPath: output).path
    let state = try state(of: output, full: full, seed: seed)
    if case .whole(let manifest) = state {
      return MiniCorpusReport(manifest: manifest, outcome: .kept, seconds: stopwatch.seconds)
    }
    if state == .foreign { throw MiniCorpusError.foreignFolder(path: output) }
    let builder = MiniCorpusBuilder(output: output, full: full, seed: seed)
    let lock = try builder.claim()
    defer { close(lock) }
    var outcome = MiniCorpusReport.Outcome.built
    if case .unfit(let reason) = state {
      progress("building \(output) anew: \(reason)")
      outcome = .rebuilt(reason: reason)
    }
    return MiniCorpusReport(
      manifest: try builder.build(progress: progress), outcome: outcome, seconds: stopwatch.seconds)
  }

  /// The contents of an output folder.
  package enum State: Equatable {
    /// The folder holds nothing of a corpus, or does not exist.
    case absent
    /// The folder holds the requested corpus, with every file as in its manifest.
    case whole(MiniCorpusManifest)
    /// The folder holds a corpus that must be replaced, for the reason given.
    case unfit(reason: String)
    /// The folder holds something other than a corpus.
    case foreign
  }

  /// Determines the contents of an output folder, and reads every file of a corpus in it.
  package static func state(of folder: String, full: Bool, seed: UInt64) throws -> State {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    guard let manifest = MiniCorpusManifest.read(folder: folder) else {
      if names.isEmpty { return .absent }
      if !names.contains(MiniCorpusBuilder.cacheName) { return .foreign }
      return names.contains(where: MiniCorpusBuilder.made.contains)
        ? .unfit(reason: "it is incomplete") : .absent
    }
    if manifest.version != MiniCorpusManifest.version {
      return .unfit(reason: "it is of version \(manifest.version)")
    }
    if manifest.seed != seed { return .unfit(reason: "it was made with seed \(manifest.seed)") }
    if manifest.full != full {
      return .unfit(reason: "it is the \(manifest.full ? "full" : "small") corpus")
    }
    if let problem = try manifest.problem(folder: folder) { return .unfit(reason: problem) }
    return .whole(manifest)
  }
}

/// The result of `MiniCorpus.prepare`.
public struct MiniCorpusReport: Sendable, CustomStringConvertible {
  /// The outcome of a preparation.
  public enum Outcome: Equatable, Sendable {
    /// The folder already held the requested corpus, whole.
    case kept
    /// The corpus was made.
    case built
    /// An unfit corpus was replaced, for the reason given.
    case rebuilt(reason: String)
  }

  /// The outcome of the preparation.
  public var outcome: Outcome
  /// The contents of each split.
  public var splits: [MiniCorpusSplit]
  /// Size of all files, in bytes.
  public var byteCount: Int
  /// Wall time, in seconds.
  public var seconds: Double

  init(manifest: MiniCorpusManifest, outcome: Outcome, seconds: Double) {
    self.outcome = outcome
    splits = manifest.splits
    byteCount = manifest.files.reduce(0) { $0 + $1.byteCount }
    self.seconds = seconds
  }

  /// The report as a few lines of text.
  public var description: String {
    let what =
      switch outcome {
      case .kept: "kept, all files verified"
      case .built: "built"
      case .rebuilt: "rebuilt"
      }
    let rows = splits.map { split in
      let ratios = split.utterancesByDecibels
        .sorted { (Double($0.key) ?? 0) < (Double($1.key) ?? 0) }
        .map { "\($0.key) dB: \($0.value)" }
      return "\(split.split.rawValue): \(NumberText.count(split.speakers.count, "speaker")), "
        + "\(NumberText.count(split.utteranceCount, "utterance")), "
        + "\(MiniCorpusReadme.decimal(split.minutes)) minutes; "
        + ratios.joined(separator: ", ")
    }
    let size = "\(byteCount / 1_000_000) MB in \(MiniCorpusReadme.decimal(seconds)) s"
    return (["\(what), \(size)"] + rows).joined(separator: "\n")
  }
}
