import ArgumentParser
import DistTrain

/// What to trace of a run.
struct TraceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write a timeline of some steps on all ranks, to open in Perfetto or chrome://tracing.",
      valueName: "file"))
  var trace: String?

  @Option(help: "Steps in the timeline.")
  var traceSteps = 3

  @Option(help: "Steps of this start before them.")
  var traceAfter = 5

  func validate() throws {
    guard (1...1000).contains(traceSteps) else {
      throw ValidationError("--trace-steps must be between 1 and 1000, not \(traceSteps)")
    }
    guard traceAfter >= 0 else {
      throw ValidationError("--trace-after must be at least 0, not \(traceAfter)")
    }
    if let trace, trace.isEmpty { throw ValidationError("--trace needs the name of a file") }
  }

  /// What they ask for; nil for no trace.
  var request: TraceRequest? {
    trace.map { TraceRequest(path: $0, steps: traceSteps, after: traceAfter) }
  }
}
