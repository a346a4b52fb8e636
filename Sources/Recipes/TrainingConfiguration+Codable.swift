import Files
import Foundation
import Models

extension TrainingConfiguration: Codable {
  private enum CodingKeys: String, CodingKey {
    case model, seed, epochs, batch, accumulate, ranks, cropSeconds, learningRate, schedule,
      warmupSteps, clip, averageDecay, stepsPerEpoch, recipe
  }

  /// Name of the document's recipe in errors.
  package static let recipeName = "the recipe of the configuration"

  /// Writes the keys of the first versions as they were, and under `recipe` whatever of the recipe
  /// they do not say and differs from the published one.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(model, forKey: .model)
    try values.encode(seed, forKey: .seed)
    try values.encode(epochs, forKey: .epochs)
    try values.encode(batch, forKey: .batch)
    try values.encode(accumulate, forKey: .accumulate)
    try values.encode(ranks, forKey: .ranks)
    try values.encode(cropSeconds, forKey: .cropSeconds)
    try values.encode(learningRate, forKey: .learningRate)
    try values.encode(schedule, forKey: .schedule)
    try values.encode(warmupSteps, forKey: .warmupSteps)
    // A reader that knows no run without a limit must not take a missing one for its default.
    try values.encode(clip, forKey: .clip)
    try values.encodeIfPresent(averageDecay, forKey: .averageDecay)
    try values.encodeIfPresent(stepsPerEpoch, forKey: .stepsPerEpoch)
    let rest = recipeBeyondFlatKeys
    if rest != .object([:]) { try values.encode(rest, forKey: .recipe) }
  }

  /// The sections of the recipe that the flat keys alone would not give back.
  private var recipeBeyondFlatKeys: JSONValue {
    guard case .object(let own) = recipe.json, case .object(let flat) = recipeOfFlatKeys.json
    else { return .object([:]) }
    return .object(own.filter { flat[$0.key] != $0.value })
  }

  /// The recipe as far as the flat keys say it.
  private var recipeOfFlatKeys: Recipe {
    var recipe = Recipe()
    recipe.epochs = epochs
    recipe.crop = .seconds(cropSeconds)
    recipe.learningRate = learningRate
    recipe.schedule = ScheduleSettings(schedule)
    recipe.warmup = .steps(warmupSteps)
    recipe.clip = clip
    recipe.averageDecay = averageDecay
    return recipe
  }

  /// Reads the recipe of a file, which may have been edited: counts that no run can have are
  /// refused, and none of the products of the others overflows.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func require(_ key: CodingKeys, _ isPossible: Bool) throws {
      guard !isPossible else { return }
      throw DecodingError.dataCorruptedError(
        forKey: key, in: values, debugDescription: "no run can have it")
    }
    func count(_ key: CodingKeys, _ range: ClosedRange<Int>) throws -> Int {
      let value = try values.decode(Int.self, forKey: key)
      try require(key, range.contains(value))
      return value
    }
    self.init(model: try values.decode(ModelConfiguration.self, forKey: .model))
    seed = try values.decode(UInt64.self, forKey: .seed)
    recipe.epochs = try count(.epochs, 0...Recipe.largestCount)
    batch = try count(.batch, 1...Recipe.largestBatch)
    // Version 0.1.0 did not write it: it was always 1.
    accumulate =
      values.contains(.accumulate) ? try count(.accumulate, 1...Recipe.largestBatch) : 1
    ranks = try count(.ranks, 1...Recipe.largestBatch)
    let seconds = try values.decode(Double.self, forKey: .cropSeconds)
    try require(.cropSeconds, seconds > 0 && seconds <= 1e9)
    recipe.crop = .seconds(seconds)
    recipe.learningRate = try values.decode(Double.self, forKey: .learningRate)
    schedule = try values.decode(LearningRateSchedule.Decay.self, forKey: .schedule)
    warmupSteps = try count(.warmupSteps, 0...Recipe.largestCount)
    clip = try values.decode(Double?.self, forKey: .clip)
    averageDecay = try values.decodeIfPresent(Double.self, forKey: .averageDecay)
    if try values.decodeIfPresent(Int.self, forKey: .stepsPerEpoch) != nil {
      stepsPerEpoch = try count(.stepsPerEpoch, 1...Recipe.largestCount)
    }
    if let rest = try values.decodeIfPresent(JSONValue.self, forKey: .recipe) {
      guard case .object(let written) = rest, case .object(var members) = recipe.json else {
        throw DecodingError.dataCorruptedError(
          forKey: .recipe, in: values, debugDescription: "it is no object")
      }
      members.merge(written) { _, own in own }
      recipe = try Recipe(json: .object(members), file: Self.recipeName)
    }
  }
}
