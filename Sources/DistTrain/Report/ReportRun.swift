import Foundation
import Models

/// Everything that the report shows of one run.
struct ReportRun {
  let summary: RunSummary
  /// What the run is called on the page; no two have the same name.
  let name: String
  /// Its look in charts.
  let style: Int
  let events: RunEvents
  /// Of the split that the page speaks of.
  var utterances: UtteranceScores?
  let noisyTest: ScoreFile?
  let test: ScoreFile?

  var folder: RunFolder { RunFolder(summary.path) }
  var rows: [RunHistory.Row] { summary.history?.rows ?? [] }
  var best: RunHistory.Row? { summary.history?.best }
  /// Whether any pass is finished.
  var hasScores: Bool { !rows.isEmpty }

  init(_ summary: RunSummary, name: String, style: Int) throws(ComparisonError) {
    self.summary = summary
    self.name = name
    self.style = style
    let folder = RunFolder(summary.path)
    let text = try? String(contentsOf: folder.metrics, encoding: .utf8)
    events = RunEvents(text ?? "")
    noisyTest = try ScoreFile(folder.noisyTestScores)
    test = try ScoreFile(folder.testScores)
    utterances = try UtteranceScores(bestOf: folder)
  }

  /// The runs of a comparison, with names that tell them apart, and with the scores of one split:
  /// the test, if every run that has scores has those.
  static func all(_ comparison: RunComparison) throws(ComparisonError) -> [ReportRun] {
    let labels = comparison.runs.map(\.label)
    var runs: [ReportRun] = []
    for (index, summary) in comparison.runs.enumerated() {
      let isUnique = labels.count { $0 == labels[index] } == 1
      let name = isUnique ? labels[index] : "\(labels[index]) (\(summary.path))"
      runs.append(try ReportRun(summary, name: name, style: index))
    }
    let scored = runs.filter(\.hasScores)
    if !scored.isEmpty, scored.allSatisfy({ $0.test != nil && $0.noisyTest != nil }) {
      for index in runs.indices {
        guard let test = runs[index].test, let noisy = runs[index].noisyTest else { continue }
        runs[index].utterances = UtteranceScores(noisy: noisy, enhanced: test)
      }
    }
    return runs
  }
}
