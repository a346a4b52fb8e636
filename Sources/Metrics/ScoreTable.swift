/// The scores of many utterances, as rows of a CSV file and as means.
///
/// Means are over the utterances for which every metric is defined, so all of them speak of the
/// same set; those left out are counted and named.
public struct ScoreTable: Equatable, Sendable {
  /// A mean over utterances.
  public struct Mean: Equatable, Sendable {
    /// Of the finite values.
    public let value: Double
    /// How many values are finite.
    public let count: Int
    /// How many are infinite and left out (SI-SDR of identical signals).
    public let infiniteCount: Int
  }

  /// One row per utterance.
  public var scores: [UtteranceScore]

  /// A table of `scores`, in that order.
  public init(_ scores: [UtteranceScore] = []) { self.scores = scores }

  /// The utterances without an error.
  public var scorable: [UtteranceScore] { scores.filter { $0.error == nil } }

  /// The utterances with an error, which no mean contains.
  public var unscorable: [UtteranceScore] { scores.filter { $0.error != nil } }

  /// The mean of a column over `scorable`, or nil where none of them has a finite value.
  public func mean(of column: ScoreColumn) -> Mean? {
    let values = scorable.compactMap { $0[column] }
    let finite = values.filter(\.isFinite)
    guard !finite.isEmpty else { return nil }
    return Mean(
      value: finite.reduce(0, +) / Double(finite.count), count: finite.count,
      infiniteCount: values.count - finite.count)
  }

  /// The table with a header, one line per utterance: file, one field per metric (empty where there
  /// is no number), error.
  public var csv: String {
    let header = ["file"] + ScoreColumn.allCases.map(\.rawValue) + ["error"]
    let rows = scores.map { score in
      [score.file]
        + ScoreColumn.allCases.map { score[$0].map { TextTable.number($0, digits: 6) } ?? "" }
        + [score.error ?? ""]
    }
    return TextTable([header] + rows).csv
  }

  /// The numbers in columns for a terminal, one line per utterance; `-` where there is no number.
  public var listing: String {
    let header = ["file"] + ScoreColumn.allCases.map(\.rawValue)
    let rows = scores.map { score in
      [score.file]
        + ScoreColumn.allCases.map { score[$0].map { TextTable.number($0, digits: 4) } ?? "-" }
    }
    return TextTable([header] + rows).aligned
  }

  /// Readable lines: how many utterances were scored, the means, and what was left out and why.
  public var summary: String {
    var lines = ["scored \(scorable.count)/\(scores.count)"]
    for column in ScoreColumn.allCases {
      guard let mean = mean(of: column) else {
        lines.append("\(column.rawValue) -")
        continue
      }
      let note =
        mean.infiniteCount == 0
        ? "" : " (\(mean.count) finite, \(mean.infiniteCount) infinite left out)"
      lines.append("\(column.rawValue) \(TextTable.number(mean.value, digits: 4))\(note)")
    }
    if !unscorable.isEmpty {
      lines.append("not scored:")
      lines += unscorable.map { "  \($0.file): \($0.error ?? "")" }
    }
    return lines.joined(separator: "\n")
  }
}
