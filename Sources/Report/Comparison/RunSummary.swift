import DistTrain
import Files
import Foundation
import Models
import Recipes
import RunFiles

/// Summary of a run folder, while the run trains or afterwards.
package struct RunSummary: Sendable {
  /// The folder, as the user gave it.
  let path: String
  let configuration: TrainingConfiguration
  /// Trainable numbers of the model.
  let parameterCount: Int
  /// Nil, or without rows, as long as no epoch is finished.
  let history: RunHistory?
  /// The corpus, if the run says that it is one that papers use.
  let corpus: String?

  /// Reads the folder at `path`.
  init(path: String) throws(ComparisonError) {
    self.path = path
    let folder = RunFolder(path)
    guard let text = try ComparisonError.text(folder.configuration) else {
      throw .notARun(path: path)
    }
    do {
      configuration = try JSONDecoder().decode(TrainingConfiguration.self, from: Data(text.utf8))
    } catch {
      throw .unreadable(
        path: folder.configuration.path(percentEncoded: false),
        reason: "it is no configuration of this program")
    }
    parameterCount = SpeechEnhancer.parameterCount(of: configuration.model)
    history = try ComparisonError.text(folder.history).map { text throws(ComparisonError) in
      try RunHistory(text, path: folder.history.path(percentEncoded: false))
    }
    corpus = Self.corpus(folder)
  }

  /// Whether runs beside this one have the same model and a recipe of another name.
  var hasRivalRecipe = false

  /// The model's name, with the recipe's where that tells it from the runs beside it.
  var recipeLabel: String {
    configuration.model.name + (hasRivalRecipe ? ", \(configuration.recipe.name)" : "")
  }

  /// The name of model and recipe, and the seed where it is not 0.
  var label: String {
    configuration.seed == 0 ? recipeLabel : "\(recipeLabel) seed \(configuration.seed)"
  }

  /// Corpus of the run, as written at its last start.
  private static func corpus(_ folder: RunFolder) -> String? {
    let starts = MetricsFile.events(at: folder.metrics, of: RunEvent.Start.self)
    guard case .start(let start)? = starts.last?.event else { return nil }
    return start.corpus
  }
}
