import Files
import Platform

extension ScoreTable {
  /// The scores with a header, one line per utterance: file, one field per metric (empty where there
  /// is no number), error. Always all columns, whatever was asked for.
  public var csv: String { Self.csv(scores) }

  /// The unprocessed side in the same columns; nil if there is none.
  public var noisyCSV: String? { noisy.map(Self.csv) }

  private static func csv(_ scores: [UtteranceScore]) -> String {
    let columns = ScoreColumn.allCases
    let rows = scores.map { score in
      [score.file] + columns.map { score[$0].map { TextTable.number($0, digits: 6) } ?? "" }
        + [score.error ?? ""]
    }
    return TextTable([["file"] + columns.map(\.rawValue) + ["error"]] + rows).csv
  }

  /// The numbers in columns for a terminal, one line per utterance; `-` where there is no number.
  public var listing: String {
    let rows = scores.map { score in
      [score.file] + columns.map { score[$0].map { TextTable.number($0, digits: 3) } ?? "-" }
    }
    return TextTable([["file"] + columns.map(\.rawValue)] + rows).aligned
  }

  /// Readable lines: the means with their 95% intervals, a line per metric; how many utterances
  /// they are of; what was left out and why.
  public var summary: String { summary(published: [:]) }

  /// The same, with a further column of figures that others published of the unprocessed speech.
  package func summary(published: [ScoreColumn: String]) -> String {
    let rows = columns.map(row)
    var lines = [means(rows, published), scoredLine]
    for row in rows where row.infiniteCount > 0 {
      lines.append("\(row.column.rawValue): \(row.infiniteCount) infinite left out of its means")
    }
    let leftOut = framesLeftOut
    if leftOut.frames > 0 && columns.contains(.llr) {
      lines.append(
        "llr: \(NumberText.count(leftOut.frames, "frame")) of digital silence left out, of "
          + NumberText.count(leftOut.utterances, "utterance"))
    }
    let unscorable = unscorable
    if !unscorable.isEmpty {
      lines.append("not scored:")
      lines += unscorable.map { "  \($0.file): \($0.reason)" }
    }
    return lines.joined(separator: "\n")
  }

  private func means(_ rows: [Row], _ published: [ScoreColumn: String]) -> String {
    func cell(_ estimate: Estimate?, signed: Bool = false) -> String {
      estimate?.text(digits: 4, signed: signed) ?? "-"
    }
    var header = noisy == nil ? ["", "mean ± 95%"] : ["mean ± 95%", "noisy", "enhanced", "gain"]
    if !published.isEmpty { header.append("published noisy") }
    let cells = rows.map { row -> [String] in
      var cells = [row.column.rawValue]
      if noisy != nil { cells.append(cell(row.noisy)) }
      cells.append(cell(row.score))
      if noisy != nil { cells.append(cell(row.gain, signed: true)) }
      if !published.isEmpty { cells.append(published[row.column] ?? "-") }
      return cells
    }
    return TextTable([header] + cells).aligned
  }

  /// As "scored 822/824 (2 without pesq_wb)".
  private var scoredLine: String {
    let missing = scores.indices.filter { fault($0) != nil }
    let line = "scored \(scores.count - missing.count)/\(scores.count)"
    let notes = columns.filter(\.sources.isEmpty).compactMap { column -> String? in
      let count = missing.count { index in
        scores[index][column] == nil || (noisy.map { $0[index][column] == nil } ?? false)
      }
      return count == 0 ? nil : "\(count) without \(column.rawValue)"
    }
    return notes.isEmpty ? line : "\(line) (\(notes.joined(separator: ", ")))"
  }
}
