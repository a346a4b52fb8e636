/// The three parts of a corpus.
public enum CorpusSplit: String, Sendable, CaseIterable, Codable {
  /// The training set.
  case train
  /// The validation set, which chooses the best epoch.
  case valid
  /// The test set, whose scores are reported.
  case test
}
