/// The file of weights that a run started from; its further steps do not need it.
public struct Initialization: Codable, Equatable, Sendable {
  /// The path, as the user gave it.
  public let file: String
  /// Hash of the weights in the file, 16 hexadecimal digits.
  public let fingerprint: String
  /// Whether only those that fit in name and shape were taken.
  public let isPartial: Bool
  /// A phrase about what the weights were, with the file's name.
  public let summary: String

  /// The weights `fingerprint` of `file`, all of them or those that fit.
  public init(file: String, fingerprint: String, isPartial: Bool, summary: String) {
    self.file = file
    self.fingerprint = fingerprint
    self.isPartial = isPartial
    self.summary = summary
  }
}
