import ArgumentParser
import Benchmarks

/// `disttrain bench pesq`: what a score costs.
struct BenchPESQCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pesq",
    abstract: "Measure the time that wide-band PESQ takes for a second of audio.")

  @Option(help: "Length of the utterance in seconds.", transform: Flags.seconds)
  var seconds = 8.0
  @Option(help: "Timed scores, after one that is not timed.") var repeats = 5
  @OptionGroup var output: BenchOutput

  func validate() throws {
    try Flags.require("--seconds", seconds, within: 1...600)
    try Flags.require("--repeats", repeats, atLeast: 1)
  }

  func run() throws {
    try output.report("pesq") { try PESQFigures.measure(seconds: seconds, repeats: repeats) }
  }
}
