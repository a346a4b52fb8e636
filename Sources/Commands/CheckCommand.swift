import ArgumentParser
import Benchmarks
import Models

/// `disttrain check`: the six tests of each model that people run before they train.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Test that models are as published and can be trained on this machine.",
    discussion: """
      Six tests for each preset: parameter count, shapes, forward pass with complex and with \
      real/imag input, gradient flow, and memory. The exit status is 0 only if all of them pass.
      """)

  @Option(parsing: .upToNextOption, help: .presets) var preset: [String] = Preset.systems

  func run() throws {
    var configurations: [ModelConfiguration] = []
    for name in preset { configurations.append(try Preset.load(name)) }
    for line in EnvironmentCheck.report { Console.line(line) }
    var verdicts: [String] = []
    var failures = 0
    for configuration in configurations {
      let failed = test(configuration)
      failures += failed
      verdicts.append(
        failed == 0
          ? "✓ ALL TESTS PASSED FOR \(configuration.title)"
          : "✗ \(failed) OF \(ModelCheck.Test.allCases.count) TESTS FAILED FOR "
            + configuration.title)
    }
    Console.line("")
    for verdict in verdicts { Console.line(verdict) }
    if failures > 0 { throw ExitCode.failure }
    Console.line("🎉 ALL MODELS READY FOR TRAINING!")
  }

  /// Runs the tests with a line each and returns how many failed.
  private func test(_ configuration: ModelConfiguration) -> Int {
    let summary = configuration.summary.isEmpty ? "" : ": \(configuration.summary)"
    Console.line("\n\(configuration.title) (\(configuration.name))\(summary)")
    let check = ModelCheck(configuration)
    var failures = 0
    for (index, test) in ModelCheck.Test.allCases.enumerated() {
      do {
        Console.line("✓ \(index + 1). \(test.rawValue): \(try check.run(test))")
      } catch {
        Console.line("✗ \(index + 1). \(test.rawValue): \(error.reason)")
        failures += 1
      }
    }
    return failures
  }
}

extension ArgumentHelp {
  /// Help of the option that names several models.
  static let presets = ArgumentHelp(
    "Presets or paths of JSON files like them. Without it: "
      + Preset.systems.joined(separator: ", ") + ".",
    valueName: "names or files")
}
