import ArgumentParser
import Evaluation
import Files
import Metrics

/// Where scores go besides the screen, and which there are.
struct ScoreOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Also write the scores there, a line per utterance; those of the unprocessed speech go to "
        + "FILE-noisy.csv.", valueName: "file.csv"))
  var csv: String?
  @Option(help: ArgumentHelp("Also write the means there, as JSON.", valueName: "file"))
  var json: String?
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Metrics to compute, and what they are computed from (default: all): "
        + ScoreColumn.allCases.map(\.rawValue).joined(separator: " ") + ".", valueName: "names"))
  var metrics: [ScoreColumn] = []

  /// Throws, before anything is scored, if a file cannot be written.
  ///
  /// - Parameter hasNoisy: whether the unprocessed speech is scored too.
  func requireWritable(hasNoisy: Bool) throws(AtomicFileError) {
    if let csv {
      try AtomicFile.requireWritable(csv)
      if hasNoisy { try AtomicFile.requireWritable(ScoreFiles.noisyPath(csv)) }
    }
    if let json { try AtomicFile.requireWritable(json) }
  }

  /// The metrics asked for, with what they are computed from.
  var columns: Set<ScoreColumn> {
    metrics.isEmpty ? .all : UtteranceScorer(Set(metrics)).metrics
  }
}

extension ScoreColumn: ExpressibleByArgument {}
