import ArgumentParser

/// Cores and memory of each rank of `train`; no result depends on them.
struct CoreOptions: ParsableArguments {
  @Option(help: "Threads of each rank, for more cores than the batch allows ranks.")
  var threads = 1

  @Flag(help: "Compute activations again in backward: a fraction of the memory, a fifth slower.")
  var recompute = false

  func validate() throws {
    if !(1...1024).contains(threads) {
      throw ValidationError("--threads must be between 1 and 1024, not \(threads)")
    }
  }
}
