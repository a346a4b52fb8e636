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
      "Metrics to compute (default: all). CSIG, CBAK and COVL bring those that they are computed "
        + "from. Names: " + ScoreColumn.allCases.map(\.rawValue).joined(separator: " ") + ".",
      valueName: "names"))
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

  /// Throws if a metric is not defined for signals at the rate of a model.
  ///
  /// - Parameter asPublished: whether PESQ of crops is asked for besides `columns`.
  func requireDefined(sampleRate: Int, asPublished: Bool) throws(UndefinedMetrics) {
    let asked = asPublished ? columns.union([.pesqWB]) : columns
    let undefined = asked.subtracting(asked.defined(sampleRate: sampleRate))
    if !undefined.isEmpty {
      throw UndefinedMetrics(columns: undefined, sampleRate: sampleRate, isAsPublished: asPublished)
    }
  }

  /// The metrics asked for, with what they are computed from.
  var columns: Set<ScoreColumn> {
    metrics.isEmpty ? .all : UtteranceScorer(Set(metrics)).metrics
  }
}

/// Why a model cannot be scored with the metrics that were asked for.
struct UndefinedMetrics: Error, Equatable, CustomStringConvertible {
  /// The metrics without a definition.
  let columns: Set<ScoreColumn>
  /// Rate of the model's signals, in hertz.
  let sampleRate: Int
  /// Whether --as-published was given, too.
  let isAsPublished: Bool

  /// One sentence that says what to ask for.
  var description: String {
    columns.ordered.map(\.rawValue).joined(separator: ", ")
      + ": defined at \(PESQ.sampleRate) Hz only, and the model takes \(sampleRate) Hz; choose "
      + "--metrics \(ScoreColumn.siSDR.rawValue)"
      + (isAsPublished ? " without --as-published" : "")
  }
}

extension ScoreColumn: ExpressibleByArgument {}
