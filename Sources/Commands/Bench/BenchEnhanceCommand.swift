import ArgumentParser
import Benchmarks

/// `disttrain bench enhance`: how much faster than real time a model enhances.
struct BenchEnhanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enhance",
    abstract: "Measure the forward pass over one recording: real-time factor and memory.")

  @Option(help: .preset) var preset: String
  @Option(help: "Length of the recording in seconds.", transform: Flags.seconds)
  var seconds = 60.0
  @Option(help: "Threads.") var threads = 1
  @Option(help: "Timed forward passes, after one that is not timed.") var repeats = 3
  @OptionGroup var output: BenchOutput

  func validate() throws {
    try Flags.require("--seconds", seconds, within: 0.1...3600)
    try Flags.require("--threads", threads, within: Flags.threads)
    try Flags.require("--repeats", repeats, atLeast: 1)
  }

  func run() throws {
    let model = try BenchOutput.model(preset)
    try output.report("enhance") {
      try EnhanceFigures.measure(model, seconds: seconds, threads: threads, repeats: repeats)
    }
  }
}
