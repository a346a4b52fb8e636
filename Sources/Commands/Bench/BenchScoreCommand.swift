import ArgumentParser
import Benchmarks
import Forecast
import Platform

/// `disttrain bench score`: what the metrics cost, each and all of them.
struct BenchScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Measure the time that every metric takes for a second of audio.",
    discussion: """
      Each metric alone on one thread, then all of them on all cores, with the time that they would \
      take for 824 utterances of 2.5 s, which is about VoiceBank-DEMAND's test set.
      """)

  @Option(help: "Length of an utterance in seconds.") var seconds = 2.5
  @Option(help: "Timed scores of each metric; one more goes before them.") var repeats = 5
  @Option(help: "Threads of the second part (default: all cores).") var threads: Int?
  @OptionGroup var output: BenchOutput

  func validate() throws {
    try BenchOutput.require(
      seconds >= 2 && seconds <= 600, "--seconds must be between 2 and 600, not \(seconds)")
    try BenchOutput.require(repeats > 0, "--repeats must be at least 1, not \(repeats)")
    if let threads {
      try BenchOutput.require(threads > 0, "--threads must be at least 1, not \(threads)")
    }
  }

  func run() throws {
    try output.validateFolder()
    let machine = BenchmarkMachine.current()
    output.begin(machine)
    let figures = try ScoreFigures.measure(
      seconds: seconds, repeats: repeats, threads: threads ?? MachineFacts.usableCores())
    try output.end("score", machine, figures)
  }
}
