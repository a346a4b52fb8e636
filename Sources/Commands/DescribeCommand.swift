import ArgumentParser
import Models
import Recipes
import Weights

/// `disttrain describe`: the structure of a model and where its parameters are, or what a file of
/// weights is.
struct DescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Print the layers of a model and its parameters, or what a file of weights is.",
    discussion: """
      With --preset it prints the layers of a model and its parameters by component. Of a file of \
      weights it prints the model card: the system, the recipe, the data, epochs and steps, \
      whether the weights are raw, averaged or a mean, and their validation scores beside those \
      of the unprocessed speech. A checkpoint, and a file of another program, say what they can.
      """)

  @Argument(
    help: ArgumentHelp(
      "Weights: a file of a run folder, or an export of another program.", valueName: "file"))
  var file: String?
  @Option(help: .preset) var preset: String?

  func validate() throws {
    try Flags.require("the file", path: file)
  }

  func run() throws {
    // Not in `validate`, so that the value of an unknown option is not taken for a file first.
    try Flags.require(
      (file == nil) != (preset == nil), "give a file of weights or --preset, one of both")
    if let file {
      let description = try WeightDescription(contentsOf: file) {
        TrainingConfiguration(card: $0, model: $1)?.settings
      }
      Console.line(description.text)
    } else if let preset {
      let model = SpeechEnhancer(layout: try Preset.load(preset))
      Console.line(ModelSummary(model).description)
    }
  }
}

extension ArgumentHelp {
  /// Help of every option that names a model.
  static let preset = ArgumentHelp(
    "A preset (\(Preset.names.joined(separator: ", "))) or the path of a JSON file like them.",
    valueName: "name or file")
}
