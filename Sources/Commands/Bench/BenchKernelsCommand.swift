import ArgumentParser
import Benchmarks

/// `disttrain bench kernels`: every kernel against what bounds it.
struct BenchKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Measure every kernel against its bound, and the products against OpenBLAS.",
    discussion: """
      Times each kernel, forward and backward, at the shapes that a model gives it, on arrays in \
      the core's caches: the best of several batches of calls. OpenBLAS takes turns with our own \
      product, in the same call.
      """)

  @Option(help: .preset) var preset = "abl3"
  @Option(
    help: "Length of the utterance that gives the shapes, in seconds.", transform: Flags.seconds)
  var seconds = 2.0
  @OptionGroup var output: BenchOutput

  func validate() throws {
    try Flags.require("--seconds", seconds, within: 0.1...60)
  }

  func run() throws {
    let model = try BenchOutput.model(preset)
    try output.report("kernels") { KernelBenchmark(model, seconds: seconds).run() }
  }
}
