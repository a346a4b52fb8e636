import Files
import Foundation
import Platform

/// `predictions.csv`: the crops of the last epoch of a run with a discriminator, with their PESQ
/// and what the discriminator predicted of it.
///
/// Its bytes do not depend on the number of ranks.
package struct Predictions: Equatable, Sendable {
  /// A crop that the discriminator learned from.
  package struct Row: Codable, Equatable, Sendable {
    /// Name of its utterance.
    package var utterance: String
    /// The step of the run, from 1.
    package var step: Int
    /// PESQ of the estimate against the clean crop; nil if it has none.
    package var pesq: Double?
    /// The discriminator's prediction of it.
    package var predicted: Double
    /// PESQ of the noisy crop against the estimate; nil if it has none or is not learned.
    package var noisyPESQ: Double?
    /// The discriminator's prediction of that; nil if it is not learned.
    package var noisyPredicted: Double?

    /// Row of the crop of `utterance` in the step `step`.
    package init(
      utterance: String, step: Int, pesq: Double?, predicted: Double, noisyPESQ: Double? = nil,
      noisyPredicted: Double? = nil
    ) {
      self.utterance = utterance
      self.step = step
      self.pesq = pesq
      self.predicted = predicted
      self.noisyPESQ = noisyPESQ
      self.noisyPredicted = noisyPredicted
    }
  }

  /// The crops, by step and name.
  package let rows: [Row]

  /// Table of `rows`, in whatever order.
  package init(_ rows: [Row]) {
    self.rows = rows.sorted { ($0.step, $0.utterance) < ($1.step, $1.utterance) }
  }

  private static let columns = [
    "utterance", "step", "pesq", "predicted_pesq", "noisy_pesq", "predicted_noisy_pesq",
  ]

  /// Names of the columns.
  package static var columnNames: [String] { columns }

  /// The text of the file.
  package var csv: String {
    func cell(_ value: Double?) -> String { value.map { TextTable.number($0, digits: 6) } ?? "" }
    return TextTable(
      [Self.columns]
        + rows.map { row in
          [
            row.utterance, "\(row.step)", cell(row.pesq), cell(row.predicted),
            cell(row.noisyPESQ), cell(row.noisyPredicted),
          ]
        }
    ).csv
  }

  /// Reads the file at `url`; nil if there is none.
  ///
  /// - Throws: `ComparisonError` if the file cannot be read or is no such table.
  package init?(contentsOf url: URL) throws(ComparisonError) {
    guard let text = try ComparisonError.text(url) else { return nil }
    let path = url.path(percentEncoded: false)
    let lines = CSVLine.rows(text)
    guard let header = lines.first?.fields, header.starts(with: Self.columns) else {
      throw .unreadable(path: path, reason: "it is no table of predictions")
    }
    var rows: [Row] = []
    for line in lines.dropFirst() {
      guard let cells = line.fields, cells.count == header.count, let step = Int(cell: cells[1]),
        let predicted = Double(cell: cells[3])
      else {
        throw .unreadable(path: path, reason: "line \(line.line) is no row of predictions")
      }
      rows.append(
        Row(
          utterance: cells[0], step: step, pesq: Double(cell: cells[2]), predicted: predicted,
          noisyPESQ: Double(cell: cells[4]), noisyPredicted: Double(cell: cells[5])))
    }
    self.init(rows)
  }
}
