import Audio

/// One split of a corpus as rank 0 found it: one rank inspects thousands of files, not all.
struct SharedDataset: Codable {
  /// The usable pairs, sorted by name.
  let pairs: [UtterancePair]
  /// What was left out and why.
  let skipped: [BadFile]
}

extension RootDecision {
  /// The split of the corpus in `folder`, inspected by rank 0, on all ranks.
  func dataset(
    folder: String, split: CorpusSplit, onBadFile: OnBadFile, validationSpeakers: [String]
  ) throws -> SharedDataset {
    try value {
      let found = try PairedDataset(
        folder: folder, split: split, onBadFile: onBadFile, validationSpeakers: validationSpeakers)
      return SharedDataset(pairs: found.pairs, skipped: found.skipped)
    }
  }
}
