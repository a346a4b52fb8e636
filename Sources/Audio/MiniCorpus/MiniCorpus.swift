import Foundation

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
  /// line at a time. Throws `MiniCorpusError` or `WaveFileError`; an interrupted build is started
  /// anew by the next call, downloads are kept in `output/.packages`.
  public static func prepare(
    output: String, full: Bool = false, seed: UInt64 = 1, progress: (String) -> Void
  ) throws -> MiniCorpusReport {
    let start = ContinuousClock.now
    let manifest = MiniCorpusManifest.read(folder: output)
    var reason: String?
    if let manifest {
      reason = try fault(of: manifest, folder: output, full: full, seed: seed)
      if reason == nil {
        return MiniCorpusReport(manifest: manifest, outcome: .kept, start: start)
      }
    }
    let builder = MiniCorpusBuilder(output: output, full: full, seed: seed)
    let lock = try builder.claim(isOurs: manifest != nil)
    defer { close(lock) }
    if reason == nil, try builder.hasRemains() { reason = "it is incomplete" }
    if let reason { progress("building \(output) anew: \(reason)") }
    try builder.removeRemains()
    let built = try builder.build(progress: progress)
    let outcome: MiniCorpusReport.Outcome =
      if let reason { .rebuilt(reason: reason) } else { .built }
    return MiniCorpusReport(manifest: built, outcome: outcome, start: start)
  }

  private static func fault(
    of manifest: MiniCorpusManifest, folder: String, full: Bool, seed: UInt64
  ) throws -> String? {
    if manifest.version != MiniCorpusManifest.version {
      return "it is of version \(manifest.version)"
    }
    if manifest.seed != seed { return "it was made with seed \(manifest.seed)" }
    if manifest.full != full { return "it is the \(manifest.full ? "full" : "small") corpus" }
    return try manifest.problem(folder: folder)
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
      return "\(split.split.rawValue): \(split.speakers.count) speakers, "
        + "\(split.utteranceCount) utterances, \(MiniCorpusReadme.decimal(split.minutes)) minutes; "
        + ratios.joined(separator: ", ")
    }
    let size = "\(byteCount / 1_000_000) MB in \(MiniCorpusReadme.decimal(seconds)) s"
    return (["\(what), \(size)"] + rows).joined(separator: "\n")
  }
}
