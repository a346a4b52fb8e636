import ArgumentParser
import Files
import Foundation
import Report

/// `disttrain compare`: the table of several runs.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare runs: best scores beside the published ones, and means over seeds.",
    discussion: """
      Takes run folders, finished or not. With --output the table is also written as \
      comparison.csv (Model,Params(M),Best PESQ,Epoch) and comparison.json, and the score of every \
      epoch as abl1_pesq.csv and so on, one epoch a line.
      """)

  @Argument(help: ArgumentHelp("Run folders.", valueName: "run")) var runs: [String]
  @Option(help: ArgumentHelp("Also write the files there.", valueName: "folder"))
  var output: String?

  func run() throws {
    let comparison = try RunComparison(paths: runs)
    try Console.results {
      if let output { try write(comparison, into: output) }
    } print: {
      Console.line(comparison.table.aligned)
      Console.line("")
      for line in comparison.remarks { Console.line(line) }
    }
  }

  private func write(_ comparison: RunComparison, into output: String) throws {
    try OutputFolder.make(output)
    let folder = URL(fileURLWithPath: output, isDirectory: true)
    try AtomicFile.write(comparison.csv, to: folder.appending(path: "comparison.csv"))
    try AtomicFile.write(try comparison.json(), to: folder.appending(path: "comparison.json"))
    for run in comparison.runs {
      try AtomicFile.write(
        RunComparison.progression(run), to: folder.appending(path: comparison.progressionName(run)))
    }
  }
}
