import ArgumentParser
import Audio
import Evaluation
import Foundation
import Metrics
import Platform

/// `disttrain score`: all metrics of recordings against clean references.
struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Score recordings against clean references: PESQ, STOI, SI-SDR, composites and more.",
    discussion: """
      Takes files, or folders whose files are paired by name without extension (.wav and .flac; \
      a subfolder is part of the name). Files are mono at 16 kHz; for si_sdr alone (--metrics \
      si_sdr) at any rate that a pair shares. Means are over the pairs for which every number is \
      defined, with --noisy on both sides; the others, such as silent ones, are counted and \
      named. The intervals are of 95% confidence, by Student's t.

      The exit status is 0 if at least one pair was scored and every file was readable and had a \
      partner; a pair without a defined score does not change that.
      """)

  @Option(help: ArgumentHelp("Clean file or folder.", valueName: "path")) var reference: String
  @Option(help: ArgumentHelp("File or folder to judge.", valueName: "path")) var degraded: String
  @Option(
    help: ArgumentHelp(
      "The recordings before they were processed, scored beside the others.", valueName: "path"))
  var noisy: String?
  @OptionGroup var scores: ScoreOptions

  func run() throws {
    try scores.requireWritable(hasNoisy: noisy != nil)
    let files = try ScoringPairs(reference: reference, degraded: degraded, noisy: noisy)
    let log = try Console.progressLog()
    log.beginProgress("scoring", total: max(files.pairs.count, 1))
    let scored = FileScoring.score(files.pairs, metrics: scores.columns) {
      log.progress(completed: $0)
    }
    log.endProgress()
    let unmatched = files.unmatched.map { name, file in
      FileScoring.Outcome(unusable: name, file.description)
    }
    let outcomes = (scored + unmatched).sorted { $0.score.file < $1.score.file }
    let table = ScoreTable(
      outcomes.map(\.score), noisy: noisy == nil ? nil : outcomes.compactMap(\.noisy),
      columns: scores.columns)
    try Console.results {
      if let csv = scores.csv { try ScoreFiles.write(table, to: csv) }
      if let json = scores.json { try ScoreReport(table).write(to: json) }
    } print: {
      Console.line("\(table.listing)\n\n\(table.summary)")
    }
    let lengths = outcomes.compactMap(\.lengthNote)
    if let first = lengths.first {
      log.warning(
        lengths.count == 1
          ? first : "\(first) (and \(NumberText.count(lengths.count - 1, "more pair")))")
    }
    for level in OddLevel.warnings(outcomes.flatMap(\.oddLevels)) { log.warning(level) }
    try judge(table, unusable: outcomes.count { !$0.isReadable })
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
