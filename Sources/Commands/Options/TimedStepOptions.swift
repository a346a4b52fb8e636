import ArgumentParser

/// Steps that a benchmark measures, for the commands that time training.
struct TimedStepOptions: ParsableArguments {
  @Option(help: "Length of an utterance in seconds.", transform: Flags.seconds)
  var seconds = 2.0
  @Option(help: "Threads of a rank.") var threads = 1
  @Option(help: "Timed steps.") var steps = 5
  @Option(help: "Steps before the timed ones.") var warmupSteps = 1

  func validate() throws {
    try Flags.require("--seconds", seconds, within: Flags.cropSeconds)
    try Flags.require("--threads", threads, within: Flags.threads)
    try Flags.require("--steps", steps, atLeast: 1)
    try Flags.require("--warmup-steps", warmupSteps, atLeast: 0)
  }

  /// The options as words of a command line.
  var words: [String] {
    [
      "--seconds", "\(seconds)", "--threads", "\(threads)", "--steps", "\(steps)",
      "--warmup-steps", "\(warmupSteps)",
    ]
  }
}
