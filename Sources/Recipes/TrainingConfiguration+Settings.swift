import Files
import Foundation
import Models

extension TrainingConfiguration {
  /// The configuration of a run whose model card has the settings `card`, which leave out what
  /// decides nothing: it counts as one of a single rank. Nil if they are no settings of a run.
  package init?(card: [String: JSONValue], model: ModelConfiguration) {
    guard let batch = card["globalBatch"],
      let text = try? JSONEncoder().encode(model), let model = try? JSONValue(parsing: Array(text))
    else { return nil }
    var members = card
    members["globalBatch"] = nil
    members["model"] = model
    members["batch"] = batch
    members["accumulate"] = .integer(1)
    members["ranks"] = .integer(1)
    // Left out where the run may go on for more.
    if members["epochs"] == nil { members["epochs"] = .integer(0) }
    guard
      let configuration = try? JSONDecoder().decode(
        Self.self, from: Data("\(JSONValue.object(members))".utf8))
    else { return nil }
    self = configuration
  }

  /// Rows of keys and values that decide what a training of these settings computes: the recipe,
  /// with its keys, then what is no part of it.
  package var settings: [(String, String)] {
    var keys = Recipe.leaves(recipe.json)
    for key in [
      "title", "summary", "batch", "scaling", "best_by", "patience", "average_best", "global_batch",
    ] { keys[key] = nil }
    if recipe.epochs == 0 { keys["epochs"] = nil }
    keys["learning_rate"] = .decimal(learningRate)
    var rows = keys.sorted { $0.key < $1.key }.map { ($0.key, $0.value.string ?? "\($0.value)") }
    // The name first.
    if let index = rows.firstIndex(where: { $0.0 == "name" }) {
      rows.insert(rows.remove(at: index), at: 0)
    }
    rows.append(("utterances a step", "\(globalBatch)"))
    rows.append(("seed", "\(seed)"))
    if let stepsPerEpoch { rows.append(("steps per epoch", "\(stepsPerEpoch)")) }
    if let frozen { rows.append(("frozen", frozen.joined(separator: " "))) }
    return rows
  }
}
