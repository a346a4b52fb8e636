import ArgumentParser
import Benchmarks
import Corpora
import Files
import Foundation
import Platform

/// `disttrain bench loading`: what the crops of a corpus cost.
struct BenchLoadingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "loading",
    abstract: "Measure what loading training crops costs.",
    discussion: """
      Reads crops of the train split as training does, one after another on one core, and says \
      what a pair (clean and noisy) takes and which share of a training step that is. Training \
      reads ahead while it computes, so of the reading only the CPU part costs a step anything, \
      and only where the rank has no core to spare. Files that were read before may come out of \
      the system's memory: the figures are those of a warm cache then.
      """)

  @Option(
    help: ArgumentHelp(
      "Corpus: a folder as for train, or a file of prepare pack.", valueName: "folder or file"))
  var data: String
  @Option(help: "Length of a crop in seconds.", transform: Flags.seconds) var seconds = 2.0
  @Option(help: "Crop pairs to read.") var count = 500
  @Option(
    help: ArgumentHelp(
      "Seconds that a training step takes for each utterance, as measured; 0.4 is about what abl3 "
        + "takes for 2 s on one core.", valueName: "seconds"),
    transform: Flags.seconds)
  var stepSeconds = 0.4
  @Option(help: ArgumentHelp("Also write the figures there, as JSON.", valueName: "file"))
  var json: String?

  func validate() throws {
    try Flags.require("--seconds", seconds, within: Flags.cropSeconds)
    try Flags.require("--count", count, atLeast: 1)
    try Flags.requirePositive("--step-seconds", stepSeconds)
  }

  func run() throws {
    let dataset = try SharedDataset(data: data, split: .train, sampleRate: nil)
    let result = try LoadingBenchmark.run(
      dataset.pairs, sampleRate: dataset.sampleRate, cropSeconds: seconds, count: count,
      stepSeconds: stepSeconds)
    if let json { try AtomicFile.write(try result.json(), to: URL(fileURLWithPath: json)) }
    let utterances = NumberText.count(dataset.pairs.count, "utterance")
    Console.line("\(data): \(utterances) in the train split")
    Console.line(result.description)
  }
}
