/// The three parts of a corpus.
public enum CorpusSplit: String, Sendable, CaseIterable, Codable {
  /// For training.
  case train
  /// For choosing the best epoch.
  case valid
  /// For the figures that are reported.
  case test
}
