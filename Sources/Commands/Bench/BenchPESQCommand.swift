import ArgumentParser
import Benchmarks
import Forecast

/// `disttrain bench pesq`: what a score costs.
struct BenchPESQCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pesq",
    abstract: "Measure the time that wide-band pesq takes for a second of audio.")

  @Option(help: "Length of the utterance in seconds.") var seconds = 8.0
  @Option(help: "Timed scores; one more goes before them.") var repeats = 5
  @OptionGroup var output: BenchOutput

  func validate() throws {
    try BenchOutput.require(
      seconds >= 1 && seconds <= 600, "--seconds must be between 1 and 600, not \(seconds)")
    try BenchOutput.require(repeats > 0, "--repeats must be at least 1, not \(repeats)")
  }

  func run() throws {
    try output.validateFolder()
    let machine = BenchmarkMachine.current()
    output.begin(machine)
    try output.end(
      "pesq", machine, try PESQFigures.measure(seconds: seconds, repeats: repeats))
  }
}
