/// Work of a rank, for reports about ranks that do not arrive and for how long others wait.
public enum RankPhase: UInt8, CaseIterable, Sendable, CustomStringConvertible {
  /// Nothing else has been said yet.
  case starting
  /// Rank 0 inspects the corpus.
  case readingCorpus
  /// A packed corpus is copied to the hosts.
  case staging
  /// A checkpoint is searched for and read.
  case resuming
  /// A training step.
  case trainingStep
  /// Part of a training step that waits for its crops.
  case loadingData
  /// Utterances are computed once more, to find what was not finite.
  case investigation
  /// Whole utterances are enhanced and scored.
  case validation
  /// Checkpoints and other outputs are written.
  case saving
  /// The job leaves in order.
  case leaving
  /// Recordings are enhanced.
  case enhancing

  /// Whether ranks may keep each other waiting for a long time without a fault.
  public var isLong: Bool {
    switch self {
    case .readingCorpus, .staging, .resuming, .investigation, .validation, .saving,
      .enhancing:
      true
    case .starting, .trainingStep, .loadingData, .leaving: false
    }
  }

  /// Its name in reports.
  public var description: String {
    switch self {
    case .starting: "starting"
    case .readingCorpus: "reading the corpus"
    case .staging: "staging"
    case .resuming: "reading a checkpoint"
    case .trainingStep: "training step"
    case .loadingData: "data loading"
    case .investigation: "search for what is not finite"
    case .validation: "validation"
    case .saving: "saving"
    case .leaving: "leaving"
    case .enhancing: "enhancing"
    }
  }
}
