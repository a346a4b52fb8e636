import Corpora
import Foundation
import Metrics

/// Published scores of the unprocessed test set of VoiceBank-DEMAND. Scores of these files that
/// differ mean other files, or a scorer that is wrong: none of enhanced speech would compare then.
///
/// The row stands in the tables of CMGAN, MP-SENet and xLSTM-SENet.
package enum PublishedNoisyScores {
  /// A figure as it is printed, and what is taken for the same.
  package struct Figure {
    package let text: String
    package let accepted: ClosedRange<Double>
  }

  /// The published figures. The accepted ranges are half a printed digit, and as much again for
  /// another way to bring the recordings from 48 to 16 kHz; papers give STOI as 0.91 or as 0.92.
  package static let figures: [ScoreColumn: Figure] = [
    .pesqWB: Figure(text: "1.97", accepted: 1.955...1.985),
    .csig: Figure(text: "3.35", accepted: 3.33...3.37),
    .cbak: Figure(text: "2.44", accepted: 2.42...2.46),
    .covl: Figure(text: "2.63", accepted: 2.61...2.65),
    .ssnr: Figure(text: "1.68", accepted: 1.63...1.73),
    .stoi: Figure(text: "0.91", accepted: 0.905...0.925),
  ]

  /// Whether the published figures are of the utterances with these names.
  package static func isTestSet(_ names: [String]) -> Bool {
    CorpusName.isVoiceBankTest(names)
  }

  /// The published figures of the table's metrics, as they are printed; none where nothing of the
  /// table was published.
  package static func texts(_ table: ScoreTable) -> [ScoreColumn: String] {
    figures.filter { table.columns.contains($0.key) }.mapValues(\.text)
  }

  /// The metrics whose noisy mean is not the published one, among those of the table.
  package static func deviating(_ table: ScoreTable) -> [ScoreColumn] {
    table.columns.filter { column in
      guard let figure = figures[column] else { return false }
      guard let mean = table.row(column).noisy?.mean else { return true }
      return !figure.accepted.contains(mean)
    }
  }

  /// Whether the unprocessed speech of the table has the published scores; nil if none of the
  /// table's metrics was published.
  package static func isAgreeing(_ table: ScoreTable) -> Bool? {
    texts(table).isEmpty ? nil : deviating(table).isEmpty
  }

  /// `isAgreeing` as a line of text, with the metrics that deviate.
  package static func verdict(_ table: ScoreTable) -> String? {
    guard let isAgreeing = isAgreeing(table) else { return nil }
    if isAgreeing { return "the noisy side agrees with the published figures" }
    let names = deviating(table).map { column in
      let mean = table.row(column).noisy.map { String(format: "%.2f", $0.mean) } ?? "-"
      return "\(column.rawValue) \(mean) for \(figures[column]?.text ?? "")"
    }
    return
      "warning: the noisy side differs from the published figures (\(names.joined(separator: ", "))"
      + "): check that these are the files of VoiceBank-DEMAND at 16 kHz, as prepare voicebank "
      + "makes them"
  }
}
