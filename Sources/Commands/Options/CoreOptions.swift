import ArgumentParser

/// Cores and memory of each rank of `train`; no result depends on them.
struct CoreOptions: ParsableArguments {
  @Option(help: "Threads of each rank, for more cores than the batch allows ranks.")
  var threads = 1

  @Flag(help: "Compute activations again in backward: a fraction of the memory, a fifth slower.")
  var recompute = false

  func validate() throws {
    try Flags.require("--threads", threads, within: Flags.threads)
  }
}
