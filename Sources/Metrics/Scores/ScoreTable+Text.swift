import Files
import Platform

extension ScoreTable {
  /// The scores as CSV: a header, then one line per utterance with its file, one field per metric
  /// (empty where there is no number) and its error. All columns are written, also those that were
  /// not computed.
  public var csv: String { Self.csv(scores) }

  /// The scores of the unprocessed speech as CSV with the columns of `csv`; nil if there are none.
  public var noisyCSV: String? { noisy.map(Self.csv) }

  private static func csv(_ scores: [UtteranceScore]) -> String {
    let columns = ScoreColumn.allCases
    let rows = scores.map { score in
      [score.file] + columns.map { score[$0].map { TextTable.number($0, digits: 6) } ?? "" }
        + [score.error ?? ""]
    }
    return TextTable([["file"] + columns.map(\.rawValue) + ["error"]] + rows).csv
  }

  /// The scores in aligned columns for a terminal, one line per utterance; `-` where there is no
  /// number.
  public var listing: String {
    let rows = scores.map { score in
      [Self.cell(score.file)]
        + columns.map { score[$0].map { TextTable.number($0, digits: 3) } ?? "-" }
    }
    return TextTable([["file"] + columns.map(\.rawValue)] + rows).aligned
  }

  /// A name in one cell of a table, whatever characters it has.
  private static func cell(_ name: String) -> String {
    String(
      name.map { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? "?" : $0 })
  }

  /// The summary for a reader: one line per metric with its means and their 95% intervals, then the
  /// number of utterances scored, and the utterances that were left out with the reason.
  public var summary: String { summary(published: [:]) }

  /// The summary with a further column of published figures of the unprocessed speech.
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
      lines += unscorable.map { "  \(Self.cell($0.file)): \($0.reason)" }
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

  /// The number of utterances scored, such as "scored 822/824 (2 without pesq_wb)".
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
