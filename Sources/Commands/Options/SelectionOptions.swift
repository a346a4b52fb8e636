import ArgumentParser
import Recipes

/// The choice of the best epochs of `train`.
struct SelectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What best.safetensors is chosen by: a metric of score, loss, or a weighted sum, such as "
        + "pesq_wb+0.1*si_sdr. Default: pesq_wb, or si_sdr at rates other than 16 kHz.",
      valueName: "metrics"), transform: { try Self.rule($0) })
  var bestBy: SelectionRule?

  @Option(help: ArgumentHelp("End after so many epochs without a better one.", valueName: "epochs"))
  var patience: Int?

  @Option(
    help: ArgumentHelp(
      "Keep the weights of so many of the best epochs, and their mean as "
        + "mean-best-NUMBER.safetensors.", valueName: "number"))
  var averageBest: Int?

  func validate() throws {
    try Flags.require("--patience", patience, atLeast: 1)
    try Flags.require("--average-best", averageBest, within: Recipe.averageableEpochs)
  }

  /// Adds what the options say of the recipe's keys.
  func add(to settings: inout RecipeSettings) {
    settings.add("best_by", bestBy.map { .string("\($0)") }, "--best-by")
    settings.add("patience", patience.map { .integer($0) }, "--patience")
    settings.add("average_best", averageBest.map { .integer($0) }, "--average-best")
  }

  /// The rule of the text of `--best-by`.
  @Sendable private static func rule(_ text: String) throws -> SelectionRule {
    do throws(SelectionRuleError) {
      return try SelectionRule(parsing: text)
    } catch {
      throw ValidationError(error.description)
    }
  }
}
