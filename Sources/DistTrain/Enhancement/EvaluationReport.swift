import Metrics

extension Evaluation {
  /// For a terminal: the means, the noisy row first, how many utterances are in them, and which
  /// are not and why.
  var summary: String {
    var lines = [meansTable, "scored \(scored)/\(total)"]
    if let loss { lines.append("loss \(TextTable.number(loss, digits: 4))") }
    for column in ScoreColumn.allCases {
      guard let means = means(of: column), means.count < scored else { continue }
      lines.append(
        "\(column.rawValue): \(scored - means.count) infinite left out of its means")
    }
    let unscorable = unscorable
    if !unscorable.isEmpty {
      lines.append("not scored:")
      lines += unscorable.map { "  \($0.name): \($0.reason)" }
    }
    return lines.joined(separator: "\n")
  }

  /// Every utterance as a line of CSV: name, each score of the noisy and of the enhanced side,
  /// loss, and why a score is missing.
  var csv: String {
    let columns = ScoreColumn.allCases
    let header =
      ["file"] + columns.flatMap { ["noisy_\($0.rawValue)", $0.rawValue] } + ["loss", "error"]
    func cell(_ value: Double?) -> String { value.map { TextTable.number($0, digits: 6) } ?? "" }
    let rows = utterances.map { utterance in
      [utterance.name]
        + columns.flatMap { [cell(utterance.noisy[$0]), cell(utterance.enhanced[$0])] }
        + [cell(utterance.loss), utterance.fault ?? ""]
    }
    return TextTable([header] + rows).csv
  }

  private var meansTable: String {
    let columns = ScoreColumn.allCases
    func row(_ name: String, _ side: (Means) -> Double) -> [String] {
      [name] + columns.map { means(of: $0).map { TextTable.number(side($0), digits: 4) } ?? "-" }
    }
    return TextTable([
      [""] + columns.map(\.rawValue), row("noisy", \.noisy), row("enhanced", \.enhanced),
    ]).aligned
  }
}
