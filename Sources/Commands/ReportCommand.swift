import ArgumentParser
import Files
import Foundation
import Platform
import Report

/// `disttrain report`: several runs on one page.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract:
      "Write a page of runs: table, curves, utterances to hear and see, time, configuration.",
    discussion: """
      Takes run folders, finished or not, and writes one HTML file that needs no server, no \
      network and no other file. Utterances are enhanced with the best weights of each run, from \
      the corpus that the run was trained on, if it is still there. Scores of the test set are on \
      the page if the run folder has them: disttrain evaluate --csv RUN/test-scores.csv.
      """)

  @Argument(help: ArgumentHelp("Run folders.", valueName: "run")) var runs: [String]
  @Option(help: ArgumentHelp("The page.", valueName: "file")) var output = "report.html"
  @Option(help: ArgumentHelp("Heading of the page.", valueName: "text")) var title: String?
  @Option(
    help: ArgumentHelp(
      "Corpus of the utterances. Default: the one that the runs were trained on.",
      valueName: "folder or file"))
  var data: String?
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Results of bench scaling or bench simulate, .json or .svg.", valueName: "file"))
  var scaling: [String] = []
  @Flag(help: "Leave out audio and spectrograms.") var noAudio = false
  @Option(help: "Utterances to hear, 1 to 5.") var examples = 3
  @Option(help: "Longest clip, in seconds.", transform: Flags.seconds) var clipSeconds = 6.0

  func validate() throws {
    try Flags.require("--examples", examples, within: 1...5)
    try Flags.require("--clip-seconds", clipSeconds, within: 0.5...60)
  }

  func run() throws {
    let target = URL(fileURLWithPath: output)
    // Before a minute of enhancing, not after it.
    try requireWritable(target)
    let content = try ReportContent(
      ReportContent.Request(
        runs: runs, title: title, data: data, scaling: scaling, hasAudio: !noAudio,
        exampleCount: examples, clipSeconds: clipSeconds),
      progress: { Console.error($0) })
    for problem in content.problems { Console.error("disttrain: warning: \(problem)") }
    let page = Array(ReportPage(content: content, date: .now).html.utf8)
    try AtomicFile.write(page, to: target)
    Console.line(
      "\(output): \(NumberText.count(content.runs.count, "run")), "
        + "\(NumberText.count(content.examples.count, "utterance")) to hear, "
        + String(format: "%.1f MB", Double(page.count) / 1e6))
  }

  private func requireWritable(_ target: URL) throws(AtomicFileError) {
    let path = target.path(percentEncoded: false)
    if PathKind(path) == .folder {
      throw AtomicFileError(path: path, operation: "open", code: EISDIR)
    }
    try BenchOutput.validateFolder(of: path)
    let folder = target.deletingLastPathComponent().path(percentEncoded: false)
    if access(folder, W_OK) != 0 {
      throw AtomicFileError(path: path, operation: "open", code: errno)
    }
  }
}
