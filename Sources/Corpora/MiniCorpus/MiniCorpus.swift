import Foundation
import Platform

/// A small corpus of noisy speech made from recordings in Debian's packages, for demonstrations
/// and experiments without a research corpus.
///
/// The folder has the layout `{train,valid,test}/{clean,noisy}/<speaker>_<number>.flac` that
/// `PairedDataset` reads. Speakers belong to one split; the test's kinds of noise are not those of
/// training. The same seed and package versions give the same files.
public enum MiniCorpus {
  /// Makes the corpus in folder `output`, or keeps the one that is there and whole.
  ///
  /// Needs `apt-get`, `dpkg-deb`, libspandsp2 and libsoxr0 unless the corpus is kept; no root.
  /// `full` takes all voices and prompts. `progress` is called on this thread with one readable
  /// line at a time. Throws `MiniCorpusError`, `CorpusLibraryError` or `WaveFileError`; an
  /// interrupted build is started anew by the next call, downloads are kept in `output/.packages`.
  public static func prepare(
    output: String, full: Bool = false, seed: UInt64 = 1, progress: (String) -> Void
  ) throws -> MiniCorpusReport {
    let start = ContinuousClock.now
    // The tools run in other folders, where a relative path would mean another place.
    let output = URL(fileURLWithPath: output).path
    let state = try state(of: output, full: full, seed: seed)
    if case .whole(let manifest) = state {
      return MiniCorpusReport(manifest: manifest, outcome: .kept, start: start)
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
      manifest: try builder.build(progress: progress), outcome: outcome, start: start)
  }

  /// What an output folder holds.
  package enum State: Equatable {
    /// Nothing of a corpus, or no folder.
    case absent
    /// The corpus asked for, every file as its manifest says.
    case whole(MiniCorpusManifest)
    /// A corpus that must be made anew, and why.
    case unfit(reason: String)
    /// Something that is no corpus.
    case foreign
  }

  /// Looks at an output folder; reads every file of a corpus that is there.
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

/// What `MiniCorpus.prepare` did.
public struct MiniCorpusReport: Sendable, CustomStringConvertible {
  /// Whether anything had to be made.
  public enum Outcome: Equatable, Sendable {
    /// The folder held the corpus asked for, whole.
    case kept
    /// The corpus was made.
    case built
    /// What was there was replaced, for the reason given.
    case rebuilt(reason: String)
  }

  /// Whether anything had to be made.
  public var outcome: Outcome
  /// What each split holds.
  public var splits: [MiniCorpusSplit]
  /// Size of all files, in bytes.
  public var byteCount: Int
  /// Wall time, in seconds.
  public var seconds: Double

  init(manifest: MiniCorpusManifest, outcome: Outcome, start: ContinuousClock.Instant) {
    self.outcome = outcome
    splits = manifest.splits
    byteCount = manifest.files.reduce(0) { $0 + $1.byteCount }
    seconds = (ContinuousClock.now - start) / .seconds(1)
  }

  /// A few readable lines.
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
