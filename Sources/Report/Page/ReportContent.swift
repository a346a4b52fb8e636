import Files
import Forecast
import Foundation

/// The content of a report, gathered from run folders and the corpus.
package struct ReportContent {
  /// The options of a report.
  package struct Request {
    let runs: [String]
    var title: String?
    /// Path of the corpus; nil for the one that the runs name.
    var data: String?
    /// Paths of results of `bench scaling` and `bench simulate`.
    var scaling: [String] = []
    var hasAudio = true
    var exampleCount = 3
    var clipSeconds = 6.0

    /// Request for a page of the run folders `runs`, with `exampleCount` utterances to hear, of
    /// `clipSeconds` seconds at most each.
    package init(
      runs: [String], title: String? = nil, data: String? = nil, scaling: [String] = [],
      hasAudio: Bool = true, exampleCount: Int = 3, clipSeconds: Double = 6.0
    ) {
      self.runs = runs
      self.title = title
      self.data = data
      self.scaling = scaling
      self.hasAudio = hasAudio
      self.exampleCount = exampleCount
      self.clipSeconds = clipSeconds
    }
  }

  package let title: String
  package let comparison: RunComparison
  package let runs: [ReportRun]
  let scaling: [ScalingSource]
  /// The corpus; nil if it cannot be read.
  let corpus: ReportCorpus?
  package let examples: [ListeningExample]
  /// Known facts about utterances, by their names.
  let facts: [String: UtteranceFacts]
  /// Sentences about parts of the report that could not be made.
  package let problems: [String]
  package let clipSeconds: Double

  /// Reads the runs, and the utterances of the corpus that the examples need. `progress` is called
  /// before work that takes a while.
  ///
  /// - Throws: `ComparisonError` for folders that are no runs, `ReportError` if no run has a
  ///   finished epoch.
  package init(_ request: Request, progress: (String) -> Void) throws {
    comparison = try RunComparison(paths: request.runs)
    let runs = try ReportRun.all(comparison)
    guard runs.contains(where: \.hasScores) else {
      throw ReportError.nothingYet(paths: request.runs)
    }
    self.runs = runs
    scaling = try request.scaling.map { try ScalingSource(path: $0) }
    title =
      request.title
      ?? "Speech enhancement: "
      + Self.unique(runs.map(\.summary.configuration.model.name))
      .joined(separator: ", ")
    clipSeconds = request.clipSeconds

    var problems = runs.flatMap(\.problems)
    let scored = runs.filter { $0.utterances?.rows.isEmpty == false }
    var corpus: ReportCorpus?
    if let split = scored.first?.utterances?.split,
      let path = request.data ?? scored.compactMap(\.timeline.lastStart?.data).first
    {
      progress("reading the corpus \(path)")
      let names = scored.flatMap { $0.utterances?.rows.map(\.file) ?? [] }
      do throws(ReportCorpus.Problem) {
        corpus = try ReportCorpus(path: path, split: split, names: Self.unique(names))
      } catch {
        problems.append(
          "no audio, no spectrograms, and no ratios of signal to noise: \(error.text)")
      }
    }
    self.corpus = corpus
    facts = Self.facts(scored, corpus)
    var examples: [ListeningExample] = []
    if let corpus, request.hasAudio, let bestRun = Self.best(scored),
      let scores = bestRun.utterances
    {
      let listening = ListeningExamples(scored, corpus: corpus, seconds: request.clipSeconds)
      for (row, reason) in ListeningExample.choice(scores, count: request.exampleCount) {
        progress("enhancing \(row.file)")
        if let example = listening.example(row.file, reason: "\(reason) by \(bestRun.name)") {
          examples.append(example)
        } else {
          problems.append("\(row.file) cannot be read from \(corpus.path)")
        }
      }
      problems += listening.problems
    }
    self.examples = examples
    self.problems = problems
  }

  /// The run with the best score.
  private static func best(_ runs: [ReportRun]) -> ReportRun? {
    runs.max { ($0.best?.pesq ?? -.infinity) < ($1.best?.pesq ?? -.infinity) }
  }

  private static func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private static func facts(
    _ runs: [ReportRun], _ corpus: ReportCorpus?
  ) -> [String: UtteranceFacts] {
    var facts: [String: UtteranceFacts] = [:]
    for row in runs.flatMap({ $0.utterances?.rows ?? [] }) where facts[row.file] == nil {
      facts[row.file] =
        corpus?.facts(row.file) ?? UtteranceFacts(speaker: UtteranceFacts.speaker(of: row.file))
    }
    return facts
  }
}

/// Reasons for which there is no report.
enum ReportError: Error, Equatable, CustomStringConvertible {
  /// None of the runs has a finished epoch.
  case nothingYet(paths: [String])
  /// A file is no result of a scaling benchmark.
  case notScaling(path: String, reason: String)

  /// One sentence that names the folder or file and says what to do.
  var description: String {
    switch self {
    case .nothingYet(let paths):
      "\(paths.joined(separator: ", ")): no epoch is finished yet; try again after the first"
    case .notScaling(let path, let reason):
      "\(path): \(reason); give the .json or .svg that bench scaling or bench simulate wrote"
    }
  }
}

/// A result of `bench scaling` or `bench simulate`.
enum ScalingSource {
  /// Figures of a result, which the report draws.
  case picture(ScalingPicture)
  /// A finished picture.
  case file(path: String, svg: Data)

  /// Reads the file at `path`.
  ///
  /// - Throws: `ReportError.notScaling`.
  init(path: String) throws(ReportError) {
    let data = try FileContents.read(URL(fileURLWithPath: path)) {
      ReportError.notScaling(path: path, reason: $0.reason)
    }
    if path.lowercased().hasSuffix(".svg") {
      self = .file(path: path, svg: data)
      return
    }
    let decoder = JSONDecoder()
    guard let kind = try? decoder.decode(Kind.self, from: data).kind else {
      throw .notScaling(path: path, reason: "it is no result of a benchmark")
    }
    do {
      switch kind {
      case "scaling":
        self = .picture(try decoder.decode(ScalingFigures.self, from: data).picture)
      case "simulation":
        self = .picture(try decoder.decode(SimulationFigures.self, from: data).picture)
      default: throw ReportError.notScaling(path: path, reason: "it is a result of bench \(kind)")
      }
    } catch let error as ReportError {
      throw error
    } catch {
      throw .notScaling(path: path, reason: "it is no result of this version")
    }
  }

  private struct Kind: Decodable {
    let kind: String
  }
}
