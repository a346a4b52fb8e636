import Recipes

/// Why a recipe cannot be trained here.
public enum TrainingRecipeError: Error, Equatable, CustomStringConvertible {
  /// The rate waits for scores that come an epoch late.
  case plateauBesideTraining(recipe: String)

  /// A crop has no spectrum of the loss's transform.
  case shortCrop(recipe: String, samples: Int, fftLength: Int)

  /// One sentence that says what to do.
  public var description: String {
    switch self {
    case .shortCrop(let recipe, let samples, let length):
      "recipe \(recipe): a crop of \(samples) samples is too short for the loss, whose transform "
        + "has a window of \(length); give longer --seconds"
    case .plateauBesideTraining(let recipe):
      "recipe \(recipe): the schedule \"plateau\" needs the score of an epoch before the next "
        + "begins, and with --validate-async it comes later; leave --validate-async out or choose "
        + "another --schedule"
    }
  }

  /// Throws unless a run of `configuration` can be trained.
  static func check(
    _ configuration: TrainingConfiguration, validatesBesideTraining: Bool
  ) throws(TrainingRecipeError) {
    let recipe = configuration.recipe
    let frontEnd = configuration.model.frontEnd
    let length = max(recipe.losses.transform?.fftLength ?? 0, frontEnd.fftLength)
    // The loss sees whole hops of a crop.
    let samples = configuration.cropSamples / frontEnd.hopSamples * frontEnd.hopSamples
    if recipe.losses != .published && samples <= length / 2 {
      throw .shortCrop(
        recipe: recipe.name, samples: configuration.cropSamples, fftLength: length)
    }
    if validatesBesideTraining && configuration.schedule == .plateau {
      throw .plateauBesideTraining(recipe: recipe.name)
    }
  }
}

extension ResolvedTraining {
  /// Lines with every value of the recipe and its origin.
  var lines: [String] {
    let width = values.map(\.key.count).max() ?? 0
    let texts = values.map { "\($0.value)" }
    let valueWidth = min(24, texts.map(\.count).max() ?? 0)
    return zip(values, texts).map { value, text in
      func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
      }
      return "  \(padded(value.key, width))  \(padded(text, valueWidth))  \(value.origin)"
    }
  }
}
