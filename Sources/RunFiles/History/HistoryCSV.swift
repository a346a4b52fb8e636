import Files
import Foundation
import Platform

/// Why a history file could not be continued.
public enum HistoryError: Error, Equatable, CustomStringConvertible {
  /// The file exists, but is no history that this version can continue.
  case unreadable(path: String, line: Int, reason: String)
  /// The file could not be written.
  case file(AtomicFileError)

  /// One sentence that names the file and says what to do.
  public var description: String {
    switch self {
    case .unreadable(let path, let line, let reason):
      "\(path), line \(line): \(reason); move the file away to start a new history"
    case .file(let error):
      error.description
    }
  }
}

/// `history.csv`: a header and one row per finished epoch, for spreadsheets and plots.
///
/// The file is rewritten as a whole after every epoch, so it is complete whenever it is read.
public struct HistoryCSV {
  /// Where the file lies.
  public let url: URL
  private var rows: [(epoch: Int, text: String)] = []
  /// Whether the file holds something else than `rows`.
  private var isOutdated = false

  /// First line of the file.
  public static let header = EpochReport.fieldNames.joined(separator: ",")

  /// The history at `url` as it was after `lastEpoch`; 0 for a new run.
  ///
  /// Rows of later epochs are dropped: a resumed run repeats them. The file changes with the next
  /// `goBack` or `append`; if it is of an earlier version, whose rows lack the last columns, they
  /// say `nan` there. Throws `unreadable` if rows have to be kept and the file is not a history.
  public init(url: URL, resumingAfter lastEpoch: Int = 0) throws(HistoryError) {
    self.url = url
    let path = url.path(percentEncoded: false)
    guard FileManager.default.fileExists(atPath: path) else { return }
    guard lastEpoch > 0 else {
      isOutdated = true
      return
    }
    let text: String
    do throws(UnreadableFile) {
      text = try FileContents.text(url)
    } catch {
      throw .unreadable(path: path, line: 1, reason: error.reason)
    }
    let lines = text.split(whereSeparator: \.isNewline)
    guard let first = lines.first, Self.isOfThisOrAnEarlierVersion(first) else {
      throw .unreadable(path: path, line: 1, reason: "the header is not \"\(Self.header)\"")
    }
    let columns = first.split(separator: ",").count
    let missing = Self.header.split(separator: ",").count - columns
    for (index, line) in lines.enumerated().dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count == columns, let epoch = Int(fields[0]) else {
        throw .unreadable(
          path: path, line: index + 1,
          reason: "expected \(NumberText.count(columns, "field")), the first a whole number, and "
            + "found \"\(line)\"")
      }
      if epoch <= lastEpoch {
        rows.append((epoch, Self.completed(fields, missing: missing)))
      } else {
        isOutdated = true
      }
    }
  }

  /// The columns of version 0.1.0 were the first twelve, and others have come behind them since.
  private static func isOfThisOrAnEarlierVersion(_ line: Substring) -> Bool {
    line == header
      || header.hasPrefix(line + ",")
        && [",learning_rate", ",validation_seconds"].contains(where: line.hasSuffix)
  }

  /// A row of an earlier version with the columns that it lacks. Its versions chose the best epoch
  /// by PESQ, or SI-SDR.
  private static func completed(_ fields: [Substring], missing: Int) -> String {
    var row = fields.map(String.init)
    if missing > 0 {
      row += [String](repeating: "nan", count: missing)
      let names = EpochReport.fieldNames
      if let score = names.firstIndex(of: "selection_score") {
        let sources = ["pesq", "si_sdr"].compactMap { names.firstIndex(of: $0) }.map { row[$0] }
        row[score] = sources.first { $0 != "nan" } ?? "nan"
      }
    }
    return row.joined(separator: ",")
  }

  /// Takes the selection scores out of all rows, which do not compare with those to come, and
  /// writes the file.
  package mutating func forgetSelection() throws(HistoryError) {
    guard let column = EpochReport.fieldNames.firstIndex(of: "selection_score"), !rows.isEmpty
    else {
      return
    }
    for index in rows.indices {
      var fields = rows[index].text.split(separator: ",", omittingEmptySubsequences: false)
      guard column < fields.count else { continue }
      fields[column] = "nan"
      rows[index].text = fields.joined(separator: ",")
    }
    try write()
  }

  /// Number of epochs in the history.
  public var count: Int { rows.count }

  /// Drops the rows of epochs after `lastEpoch`, which are done again, from the file too.
  ///
  /// - Throws: `HistoryError.file` if the file had such rows and could not be written.
  public mutating func goBack(to lastEpoch: Int) throws(HistoryError) {
    let count = rows.count
    rows.removeAll { $0.epoch > lastEpoch }
    if isOutdated || rows.count < count { try write() }
  }

  /// Adds a row, in place of any row of the same or a later epoch, and writes the file.
  public mutating func append(_ report: EpochReport) throws(HistoryError) {
    rows.removeAll { $0.epoch >= report.epoch }
    rows.append((report.epoch, report.fields.map { Self.cell($0.value) }.joined(separator: ",")))
    try write()
  }

  private mutating func write() throws(HistoryError) {
    let text = ([Self.header] + rows.map(\.text)).joined(separator: "\n") + "\n"
    do {
      try AtomicFile.write(text, to: url)
    } catch {
      throw .file(error)
    }
    isOutdated = false
  }

  private static func cell(_ value: JSONValue) -> String {
    switch value {
    case .null: "nan"
    // Not as in JSON: "12.0", and "nan" or "inf" where that is the value.
    case .number(let number): "\(number)"
    default: value.description
    }
  }
}
