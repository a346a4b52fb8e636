import Communication
import Foundation

/// One split of a corpus as rank 0 found it: one rank inspects thousands of files, not all.
package struct SharedDataset: Codable {
  /// Sample rate of the recordings, in hertz.
  package let sampleRate: Int
  /// The usable pairs, sorted by name.
  package let pairs: [UtterancePair]
  /// Files that were left out, with the reasons.
  package let skipped: [BadFile]

  /// Finds the split in `data`, a corpus folder or a packed corpus, and inspects it.
  ///
  /// The recordings have to be at `sampleRate`, in hertz; nil for any rate that they share.
  ///
  /// Throws `PairedDatasetError` or `PackedCorpusError`. In a packed corpus nothing is left out:
  /// what is not whole there is damage.
  package init(
    data: String, split: CorpusSplit, sampleRate: Int?, onBadFile: OnBadFile = .stop,
    validationSpeakers: [String] = PairedDataset.voiceBankValidationSpeakers
  ) throws {
    if PackedCorpus.isFile(data) {
      let corpus = try PackedCorpus(path: data)
      if let sampleRate, sampleRate != corpus.sampleRate {
        throw PackedCorpusError.wrongSampleRate(
          path: data, expected: sampleRate, found: corpus.sampleRate)
      }
      self.sampleRate = corpus.sampleRate
      pairs = try corpus.pairs(split, validationSpeakers: validationSpeakers)
      skipped = []
    } else {
      let found = try PairedDataset(
        folder: data, split: split, sampleRate: sampleRate, onBadFile: onBadFile,
        validationSpeakers: validationSpeakers)
      self.sampleRate = found.sampleRate
      pairs = found.pairs
      skipped = found.skipped
    }
  }
}

extension SharedDataset {
  private init(sampleRate: Int, pairs: [UtterancePair], skipped: [BadFile]) {
    self.sampleRate = sampleRate
    self.pairs = pairs
    self.skipped = skipped
  }

  /// A dataset of these pairs that reads the packed recordings from another copy of their file.
  package func reading(from path: String) -> SharedDataset {
    func moved(_ recording: Recording) -> Recording {
      guard case .packed(var stretch) = recording else { return recording }
      stretch.path = path
      return .packed(stretch)
    }
    let moved = pairs.map {
      UtterancePair(
        name: $0.name, clean: moved($0.clean), noisy: moved($0.noisy), sampleCount: $0.sampleCount)
    }
    return SharedDataset(sampleRate: sampleRate, pairs: moved, skipped: skipped)
  }
}

extension RootDecision {
  /// The split of the corpus in `data`, inspected by rank 0, on all ranks.
  package func dataset(
    data: String, split: CorpusSplit, sampleRate: Int, onBadFile: OnBadFile,
    validationSpeakers: [String]
  ) throws -> SharedDataset {
    try value {
      try SharedDataset(
        data: data, split: split, sampleRate: sampleRate, onBadFile: onBadFile,
        validationSpeakers: validationSpeakers)
    }
  }
}
