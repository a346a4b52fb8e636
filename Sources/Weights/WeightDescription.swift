import Files
import Foundation
import Models
import Platform

/// The description of a file of weights for people, which `describe` prints: its model card, or
/// what can be known of a file without one.
package struct WeightDescription {
  /// The settings of a card as rows of keys and values, complete, for people; nil if they are not
  /// those of a training of this program.
  package typealias Settings =
    (_ recipe: [String: JSONValue], _ model: ModelConfiguration) -> [(String, String)]?

  private let weights: InitialWeights
  private let settings: Settings

  /// Reads the file at `path`; `settings` completes what the card has of the recipe.
  ///
  /// - Throws: `InitialWeightsError` if it is no file of weights.
  package init(
    contentsOf path: String, settings: @escaping Settings = { _, _ in nil }
  ) throws(InitialWeightsError) {
    weights = try InitialWeights(contentsOf: path)
    self.settings = settings
  }

  /// The card of the file, or the one that its checkpoint makes.
  private var card: WeightCard? { weights.card ?? WeightCard(ofCheckpoint: weights.file) }

  /// The description, in lines.
  package var text: String {
    let file = weights.file
    var lines = ["\(file.path): \(card?.summary ?? weights.summary)", ""]
    lines.append(contentsOf: Self.aligned(facts))
    guard let card else { return lines.joined(separator: "\n") }
    if !card.recipe.isEmpty {
      let rows =
        file.configuration.flatMap { settings(card.recipe, $0) }
        ?? Self.leaves(.object(card.recipe)).sorted { $0.0 < $1.0 }
      lines += ["", "recipe"]
      lines += Self.aligned(rows.map { ("  \($0)", $1) })
    }
    if !card.scores.isEmpty {
      let rows = card.scores.map { score in
        [
          score.metric, score.noisy.map { TextTable.number($0, digits: 4) } ?? "-",
          TextTable.number(score.enhanced, digits: 4),
        ]
      }
      lines += ["", TextTable([["validation", "noisy", "enhanced"]] + rows).aligned]
    }
    return lines.joined(separator: "\n")
  }

  private var facts: [(String, String)] {
    let file = weights.file
    var facts: [(String, String)] = []
    if let model = file.configuration {
      facts.append(("system", "\(model.name): \(model.title)"))
      if model.frontEnd != .standard {
        let frontEnd = model.frontEnd
        facts.append(
          (
            "front end",
            "\(frontEnd.sampleRate) Hz, window \(frontEnd.fftLength), hop \(frontEnd.hopSamples)"
          ))
      }
    } else {
      let fitting = Preset.names.filter { fits(preset: $0) }
      facts.append(
        (
          "system",
          "not said in the file; "
            + (fitting.isEmpty
              ? "no preset fits its tensors"
              : "its tensors fit the preset \(fitting.joined(separator: ", "))")
        ))
    }
    let numbers = weights.tensors.reduce(0) { $0 + $1.entry.count }
    let types = Set(weights.tensors.map(\.entry.dtype)).sorted().joined(separator: ", ")
    facts.append(
      (
        "weights",
        "\(NumberText.grouped(numbers)) numbers in "
          + NumberText.count(weights.tensors.count, "tensor") + (types.isEmpty ? "" : " (\(types))")
      ))
    facts.append(("fingerprint", weights.fingerprint))
    if let program = file.metadata(WeightFile.programKey) { facts.append(("written by", program)) }
    if let card { facts += Self.facts(card) }
    return facts
  }

  private static func facts(_ card: WeightCard) -> [(String, String)] {
    func text(_ set: WeightCard.Utterances) -> String {
      "\(NumberText.count(set.count, "utterance")) (\(set.digest))"
    }
    var facts = [("kind", card.kind.rawValue)]
    if let start = card.start { facts.append(("started from", start)) }
    if let corpus = card.corpus { facts.append(("corpus", corpus)) }
    if let set = card.trainSet {
      facts.append((card.step == 0 ? "training set" : "trained on", text(set)))
    }
    if let set = card.validationSet {
      let scored = card.scored.map { ", \($0.count) of \($0.total) with every score" } ?? ""
      facts.append((card.scores.isEmpty ? "validation set" : "validated on", text(set) + scored))
    }
    if let selection = card.selection {
      facts.append(("selected by", String(format: "%@: %.4f", selection.rule, selection.score)))
    }
    if let note = card.note { facts.append(("note", note)) }
    return facts
  }

  private func fits(preset name: String) -> Bool {
    guard let configuration = try? Preset.load(name) else { return false }
    return WeightFit(weights, model: SpeechEnhancer(layout: configuration)).faults.isEmpty
  }

  /// Names and values in two columns.
  private static func aligned(_ rows: [(String, String)]) -> [String] {
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { name, value in
      name + String(repeating: " ", count: width - name.count + 2) + value
    }
  }

  /// The values of `json` that are no objects, by their paths.
  private static func leaves(_ json: JSONValue, at path: String = "") -> [(String, String)] {
    guard case .object(let members) = json else {
      return [(path, json.string ?? json.description)]
    }
    return members.flatMap { leaves($1, at: path.isEmpty ? $0 : "\(path).\($0)") }
  }
}
