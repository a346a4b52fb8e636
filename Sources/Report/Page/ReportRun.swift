import Foundation
import RunFiles

/// A run with all data that the report shows of it.
package struct ReportRun {
  let summary: RunSummary
  /// Name of the run on the page, which no other run has.
  let name: String
  /// Look of the run in charts.
  let style: Int
  let timeline: RunTimeline
  let incidents: RunIncidents
  /// Scores of the utterances of the split that the page shows.
  private(set) var utterances: UtteranceScores?
  let test: TestScores?
  /// Crops of the last epoch with a discriminator's predictions.
  let predictions: [Predictions.Row]

  var folder: RunFolder { RunFolder(summary.path) }
  var rows: [EpochReport] { summary.history?.rows ?? [] }
  var best: EpochReport? { summary.history?.best }
  /// Whether any epoch is finished.
  var hasScores: Bool { !rows.isEmpty }

  init(_ summary: RunSummary, name: String, style: Int) throws(ComparisonError) {
    self.summary = summary
    self.name = name
    self.style = style
    let folder = RunFolder(summary.path)
    var timeline = RunTimeline()
    var incidents = RunIncidents()
    MetricsFile.forEachEvent(at: folder.metrics) { logged in
      guard let event = logged.event else { return }
      timeline.apply(event)
      incidents.add(event, timeline)
    }
    self.timeline = timeline
    self.incidents = incidents
    test = try TestScores(folder)
    predictions = try Predictions(contentsOf: folder.file(.predictions))?.rows ?? []
    utterances = try UtteranceScores(bestOf: folder)
  }

  /// The runs of a comparison, with distinct names, and with the scores of one split: the test
  /// split, if every run with a finished epoch has test utterances with PESQ on both sides.
  ///
  /// - Throws: `ComparisonError` if a file of a run cannot be read.
  static func all(_ comparison: RunComparison) throws(ComparisonError) -> [ReportRun] {
    let labels = comparison.runs.map(\.label)
    var runs: [ReportRun] = []
    for (index, summary) in comparison.runs.enumerated() {
      let isUnique = labels.count { $0 == labels[index] } == 1
      let name = isUnique ? labels[index] : "\(labels[index]) (\(summary.path))"
      runs.append(try ReportRun(summary, name: name, style: index))
    }
    let tested = runs.map { $0.test.flatMap { UtteranceScores($0) } }
    let scored = runs.indices.filter { runs[$0].hasScores }
    if !scored.isEmpty, scored.allSatisfy({ tested[$0]?.rows.isEmpty == false }) {
      for index in runs.indices { runs[index].utterances = tested[index] }
    }
    return runs
  }

  /// Sentences about scores that are missing or cannot be used.
  var problems: [String] {
    var problems: [String] = []
    if let test {
      if test.isStale {
        problems.append(
          "\(summary.path): test scores are older than the best weights; evaluate again")
      }
      if hasScores, UtteranceScores(test)?.rows.isEmpty != false {
        let lack =
          test.table.noisy == nil
          ? "has no test-scores-noisy.csv beside its test-scores.csv"
          : "has no utterance with PESQ in both test-scores.csv and test-scores-noisy.csv"
        problems.append(
          "\(summary.path) \(lack): utterances are compared by the validation instead")
      }
    }
    if hasScores, utterances?.rows.isEmpty != false {
      let lack =
        utterances == nil
        ? "has no best-scores.csv (a run of an earlier version?)"
        : "has no utterance with PESQ in best-scores.csv"
      problems.append("\(summary.path) \(lack): it is missing where utterances are compared")
    }
    return problems
  }
}
