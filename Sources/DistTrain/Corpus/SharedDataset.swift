import Audio
import Foundation

/// One split of a corpus as rank 0 found it: one rank inspects thousands of files, not all.
package struct SharedDataset: Codable {
  /// The usable pairs, sorted by name.
  package let pairs: [UtterancePair]
  /// What was left out and why.
  package let skipped: [BadFile]

  /// Finds the split in `data`, a corpus folder or a packed corpus, and inspects it.
  ///
  /// Throws `PairedDatasetError` or `PackedCorpusError`. In a packed corpus nothing is left out:
  /// what is not whole there is damage.
  package init(
    data: String, split: CorpusSplit, onBadFile: OnBadFile = .stop,
    validationSpeakers: [String] = PairedDataset.voiceBankValidationSpeakers
  ) throws {
    if PackedCorpus.isFile(data) {
      pairs = try PackedCorpus(path: data).pairs(split, validationSpeakers: validationSpeakers)
      skipped = []
    } else {
      let found = try PairedDataset(
        folder: data, split: split, onBadFile: onBadFile, validationSpeakers: validationSpeakers)
      pairs = found.pairs
      skipped = found.skipped
    }
  }
}

extension RootDecision {
  /// The split of the corpus in `data`, inspected by rank 0, on all ranks.
  func dataset(
    data: String, split: CorpusSplit, onBadFile: OnBadFile, validationSpeakers: [String]
  ) throws -> SharedDataset {
    try value {
      try SharedDataset(
        data: data, split: split, onBadFile: onBadFile, validationSpeakers: validationSpeakers)
    }
  }
}
