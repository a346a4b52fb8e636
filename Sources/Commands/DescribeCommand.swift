import ArgumentParser
import Models

/// `disttrain describe`: the structure of a model and where its parameters are.
struct DescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Print the layers of a model and its parameters by component.")

  @Option(help: .preset) var preset: String

  func run() throws {
    let model = SpeechEnhancer(layout: try Preset.load(preset))
    Console.line(ModelSummary(model).description)
  }
}

extension ArgumentHelp {
  /// Help of every option that names a model.
  static let preset = ArgumentHelp(
    "A preset (\(Preset.names.joined(separator: ", "))) or the path of a JSON file like them.",
    valueName: "name or file")
}
