import ArgumentParser
import Foundation
import Metrics

/// `disttrain score`: PESQ and SI-SDR of recordings against clean references.
struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Score recordings against clean references: wide-band PESQ and SI-SDR.",
    discussion: """
      Takes two files, or two folders whose files are paired by name without extension (.wav and \
      .flac, subfolders are left out). Files are mono at 16 kHz. Means are over the pairs for which \
      every number is defined; the others, such as silent ones, are counted and named.

      The exit status is 0 if at least one pair was scored and every file was readable and had a \
      partner; a pair without a defined score does not change that.
      """)

  @Option(help: ArgumentHelp("Clean file or folder.", valueName: "path")) var reference: String
  @Option(help: ArgumentHelp("File or folder to judge.", valueName: "path")) var degraded: String
  @Option(help: ArgumentHelp("Also write the scores there, a line per file.", valueName: "file"))
  var csv: String?

  func run() throws {
    let plan = try ScoringPlan(reference: reference, degraded: degraded)
    let log = try Console.progressLog()
    log.beginProgress("scoring", total: max(plan.pairs.count, 1))
    let outcomes = FileScoring.score(plan.pairs) { log.progress(completed: $0) }
    log.endProgress()
    let unmatched = plan.unmatched.map { file in
      UtteranceScore(file: (file.path as NSString).lastPathComponent, error: file.description)
    }
    let table = ScoreTable(
      (outcomes.map(\.score) + unmatched).sorted { $0.file < $1.file })
    Console.line(table.listing)
    Console.line("")
    Console.line(table.summary)
    if let csv { try AtomicFile.write(table.csv, to: URL(fileURLWithPath: csv)) }
    try judge(table, unusable: outcomes.count { !$0.isReadable } + unmatched.count)
  }

  private func judge(_ table: ScoreTable, unusable: Int) throws {
    if unusable > 0 {
      throw ScoringFailure(
        description: "\(unusable) of \(table.scores.count) could not be compared: unreadable, or "
          + "without a partner; see \"not scored\"")
    }
    if table.scorable.isEmpty {
      throw ScoringFailure(description: "no pair has a score; see \"not scored\"")
    }
  }
}

/// The table is out, and something is wrong with it.
private struct ScoringFailure: Error, CustomStringConvertible {
  let description: String
}
