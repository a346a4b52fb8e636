import ArgumentParser
import Benchmarks
import Platform

/// `disttrain bench score`: what the metrics cost, each and all of them.
struct BenchScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Measure the time that every metric takes for a second of audio.",
    discussion: """
      Each metric alone on one thread, then all of them on all cores, with the time that they \
      would take for 824 utterances of 2.5 s, which is about VoiceBank-DEMAND's test set.
      """)

  @Option(help: "Length of an utterance in seconds.", transform: Flags.seconds)
  var seconds = 2.5
  @Option(help: "Timed scores of each metric, after one that is not timed.") var repeats = 5
  @Option(help: "Threads of the second part (default: all cores).") var threads: Int?
  @OptionGroup var output: BenchOutput

  func validate() throws {
    try Flags.require("--seconds", seconds, within: 2...600)
    try Flags.require("--repeats", repeats, atLeast: 1)
    try Flags.require("--threads", threads, within: Flags.threads)
  }

  func run() throws {
    try output.report("score") {
      try ScoreFigures.measure(
        seconds: seconds, repeats: repeats, threads: threads ?? MachineFacts.usableCores())
    }
  }
}
