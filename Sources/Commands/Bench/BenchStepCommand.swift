import ArgumentParser
import Benchmarks
import Communication
import DistTrain
import Forecast
import Recipes

/// `disttrain bench step`: what a training step costs, and where its time goes.
struct BenchStepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Measure training steps: time, share of the processor's peak, memory, parts.",
    discussion: """
      Runs the trainer's own step on audio made in memory, and beside it, in the same run, what \
      the core can do at most: clocks drift from minute to minute, so only ratios within one run \
      hold. Under mpirun -np N all ranks take the steps together, and rank 0 reports.
      """)

  @Option(help: .preset) var preset: String
  @Option(help: "Utterances per rank and step.") var batch = 6
  @OptionGroup var timed: TimedStepOptions
  @Flag(help: "Keep only the blocks' inputs, and compute all other activations again in backward.")
  var recompute = false
  @Flag(
    help: """
      Follow each step by one with the metric discriminator of the recipe published-gan in use, \
      and print what it costs.
      """)
  var adversarial = false
  @OptionGroup var output: BenchOutput
  @OptionGroup var exchange: ExchangeOptions

  func validate() throws {
    try Flags.require("--batch", batch, atLeast: 1, atMost: Flags.largestBatch)
  }

  func run() throws {
    try ParallelCommand.run(files: files()) { communicator in
      let root = RootDecision(communicator)
      let model = try root.value {
        try output.validateFolder()
        return try BenchOutput.model(preset, cropSeconds: timed.seconds)
      }
      let machine = BenchmarkMachine.current()
      if communicator.isRoot { output.begin(machine, printed: EnvironmentCheck.warning) }
      let benchmark = StepBenchmark(
        configuration: TrainingConfiguration(model: model) {
          $0.batch = batch
          $0.ranks = communicator.worldSize
          $0.cropSeconds = timed.seconds
        },
        threads: timed.threads, recomputes: recompute, exchange: exchange.settings,
        steps: timed.steps, warmupSteps: timed.warmupSteps, isAdversarial: adversarial)
      let figures = try benchmark.run(over: communicator)
      try root.run { try output.end("step", machine, figures) }
    }
  }
}
