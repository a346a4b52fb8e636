import ArgumentParser
import Benchmarks

/// `disttrain bench compare`: two result files side by side.
struct BenchCompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare two result files that --json wrote.",
    discussion: """
      Files of unlike presets, batches, machines and the like are refused, since their ratios \
      would say nothing about the program.
      """)

  @Argument(help: ArgumentHelp("The earlier result.", valueName: "before")) var before: String
  @Argument(help: ArgumentHelp("The later result.", valueName: "after")) var after: String
  @Flag(help: "Compare even if settings or machines differ, and say which.") var anyway = false

  func run() throws {
    let comparison = try BenchmarkComparison(before: before, after: after, anyway: anyway)
    Console.line(comparison.description)
  }
}
