import ArgumentParser
import Benchmarks
import Forecast

/// `disttrain bench enhance`: how much faster than real time a model enhances.
struct BenchEnhanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enhance",
    abstract: "Measure the forward pass over one recording: real-time factor and memory.")

  @Option(help: .preset) var preset: String
  @Option(help: "Length of the recording in seconds.") var seconds = 60.0
  @Option(help: "Threads.") var threads = 1
  @Option(help: "Timed passes; one more goes before them.") var repeats = 3
  @OptionGroup var output: BenchOutput

  func validate() throws {
    try BenchOutput.require(
      seconds >= 0.1 && seconds <= 3600, "--seconds must be between 0.1 and 3600, not \(seconds)")
    try BenchOutput.require(threads > 0, "--threads must be at least 1, not \(threads)")
    try BenchOutput.require(repeats > 0, "--repeats must be at least 1, not \(repeats)")
  }

  func run() throws {
    try output.validateFolder()
    let model = try BenchOutput.model(preset)
    let machine = BenchmarkMachine.current()
    output.begin(machine)
    let figures = try EnhanceFigures.measure(
      model, seconds: seconds, threads: threads, repeats: repeats)
    try output.end("enhance", machine, figures)
  }
}
