import ArgumentParser
import DistTrain
import Tracing

/// Part of a run that the timeline records.
struct TraceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write a timeline of some steps on all ranks, to open in Perfetto or chrome://tracing.",
      valueName: "file"))
  var trace: String?

  @Option(help: "Steps in the timeline.")
  var traceSteps = 3

  @Option(help: "Steps before the timeline begins, counted from this start.")
  var traceAfter = 5

  func validate() throws {
    try Flags.require("--trace-steps", traceSteps, within: 1...1000)
    try Flags.require("--trace-after", traceAfter, atLeast: 0)
    try Flags.require(trace?.isEmpty != true, "--trace needs the name of a file")
  }

  /// The trace that the options ask for; nil for none.
  var request: TraceRequest? {
    trace.map { TraceRequest(path: $0, steps: traceSteps, after: traceAfter) }
  }
}
