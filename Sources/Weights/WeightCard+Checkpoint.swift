import Files
import Models

extension WeightCard {
  /// The settings of a run, the JSON of its `configuration.json`, as a card has them: those that
  /// decide what the weights become.
  ///
  /// The model has a key of its own. The share of each rank is no matter, nor is what is kept, nor
  /// the number of epochs unless the learning rate depends on it: so the card is the same for any
  /// number of ranks, and for a run that is resumed for more epochs.
  package static func recipe(ofConfiguration json: JSONValue) -> [String: JSONValue] {
    guard case .object(var members) = json else { return [:] }
    var globalBatch = 1
    for key in ["ranks", "batch", "accumulate"] {
      if case .integer(let count)? = members[key], count > 0 {
        let (product, overflow) = globalBatch.multipliedReportingOverflow(by: count)
        globalBatch = overflow ? 0 : product
      }
      members[key] = nil
    }
    members["globalBatch"] = .integer(globalBatch)
    for key in ["model", "initialization"] { members[key] = nil }
    // Which weights are kept is no matter for those that are.
    if case .object(var recipe)? = members["recipe"] {
      for key in ["best_by", "patience", "average_best"] { recipe[key] = nil }
      members["recipe"] = recipe.isEmpty ? nil : .object(recipe)
    }
    var hasDiscriminator = false
    if case .object(var recipe)? = members["recipe"] {
      let others = ["batch", "best_by", "patience", "average_best", "resolved_from"]
      for key in others { recipe[key] = nil }
      hasDiscriminator = recipe["discriminator"] != nil
      members["recipe"] = recipe.isEmpty ? nil : .object(recipe)
    }
    if members["schedule"]?.string != "cosine" && !hasDiscriminator { members["epochs"] = nil }
    return members
  }

  /// The card of the weights of a checkpoint that `enhance` uses: the averaged ones if there are
  /// any. Nil if the checkpoint does not say where the run stood.
  package init?(ofCheckpoint file: WeightFile) {
    func json(_ key: String) -> JSONValue? {
      file.metadata(key).flatMap { try? JSONValue(parsing: Array($0.utf8)) }
    }
    guard let progress = json("progress"), case .integer(let epoch)? = progress["epoch"],
      case .integer(let step)? = progress["step"]
    else { return nil }
    var done = epoch
    if case .integer(let steps)? = progress["stepInEpoch"], steps > 0 { done += 1 }
    self.init(kind: file.hasAverage ? .averaged : .raw, epochs: [done], step: step)
    if let configuration = json("training_configuration") {
      recipe = Self.recipe(ofConfiguration: configuration)
      start = configuration["initialization"]?["summary"]?.string
    }
    trainSet = progress["trainSet"].flatMap(Self.set)
    validationSet = progress["validationSet"].flatMap(Self.set)
    note = "weights of a checkpoint; scores of its run may be of other steps"
  }
}
