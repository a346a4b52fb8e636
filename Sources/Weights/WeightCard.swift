import Files

/// The model card of a file of weights: which epochs and steps, recipe and data they come from, and
/// their validation scores.
///
/// The file holds it as JSON text in its metadata. Nothing in it depends on the machine, the time
/// or the number of ranks, so that equal runs write equal files.
package struct WeightCard: Equatable, Sendable {
  /// Metadata key of the JSON text.
  package static let key = "card"

  /// The way in which weights come from those that training has changed.
  package enum Kind: String, Sendable {
    /// As the last step left them.
    case raw
    /// Their moving average over steps.
    case averaged
    /// The mean over the weights of several epochs.
    case mean
  }

  /// A set of utterances by its number and a hash of names and lengths.
  package struct Utterances: Equatable, Sendable {
    /// Number of utterances.
    package let count: Int
    /// Hash of names and lengths, hexadecimal.
    package let digest: String

    /// The set of `count` utterances with the hash `digest`.
    package init(count: Int, digest: String) {
      self.count = count
      self.digest = digest
    }
  }

  /// Mean of a metric over the validation set.
  package struct Score: Equatable, Sendable {
    /// Name of the metric, as in the tables of `score`, or `loss`.
    package let metric: String
    /// Mean of the unprocessed utterances; nil where there is none.
    package let noisy: Double?
    /// Mean of the enhanced utterances.
    package let enhanced: Double

    /// The means of `metric`, in its unit.
    package init(metric: String, noisy: Double?, enhanced: Double) {
      self.metric = metric
      self.noisy = noisy
      self.enhanced = enhanced
    }
  }

  /// The weights' kind.
  package var kind: Kind
  /// The epoch that they are of, from 1, or those that a mean is over; 0 before the first.
  package var epochs: [Int]
  /// Steps of the run that are in them; nil for a mean.
  package var step: Int?
  /// Settings that decided what they became, by key.
  package var recipe: [String: JSONValue] = [:]
  /// Name of the corpus, if it is one of the field.
  package var corpus: String?
  /// The utterances that they were trained on.
  package var trainSet: Utterances?
  /// The utterances that the scores are of.
  package var validationSet: Utterances?
  /// Scores of the validation; none if it did not score these weights.
  package var scores: [Score] = []
  /// Utterances with every score, and all.
  package var scored: (count: Int, total: Int)?
  /// Rule by which best weights are chosen, and the score of these.
  package var selection: (rule: String, score: Double)?
  /// Origin of the weights that the run started from; nil for random ones.
  package var start: String?
  /// A sentence about what the weights are not.
  package var note: String?

  /// A card of weights of `epochs`.
  package init(kind: Kind, epochs: [Int], step: Int?) {
    self.kind = kind
    self.epochs = epochs
    self.step = step
  }

  /// Whether both cards say the same.
  package static func == (one: WeightCard, other: WeightCard) -> Bool { one.json == other.json }

  /// A noun phrase such as "averaged weights of epoch 12, step 1200".
  package var summary: String {
    let place = step.map { ", step \($0)" } ?? ""
    switch kind {
    case .mean:
      let list = epochs.map(String.init).joined(separator: ", ")
      return "the mean of the weights of \(epochs.count) epochs (\(list))"
    case .raw, .averaged:
      let name = kind == .raw ? "weights" : "averaged weights"
      let epoch = epochs.first ?? 0
      return epoch == 0
        ? "\(name) before the first epoch\(place)" : "\(name) of epoch \(epoch)\(place)"
    }
  }
}

extension WeightCard {
  /// The JSON object; numbers that are not finite are left out.
  package var json: JSONValue {
    var members: [String: JSONValue] = [
      "kind": .string(kind.rawValue), "epochs": .integers(epochs), "recipe": .object(recipe),
    ]
    members["step"] = step.map { .integer($0) }
    members["corpus"] = corpus.map { .string($0) }
    members["train_set"] = trainSet.map(Self.json)
    members["validation_set"] = validationSet.map(Self.json)
    let finite = scores.filter { $0.enhanced.isFinite }
    if !finite.isEmpty {
      members["scores"] = .array(
        finite.map { score in
          var entry: [String: JSONValue] = [
            "metric": .string(score.metric), "enhanced": .number(score.enhanced),
          ]
          entry["noisy"] = score.noisy.flatMap { $0.isFinite ? .number($0) : nil }
          return .object(entry)
        })
    }
    if let scored {
      members["scored"] = .integer(scored.count)
      members["total"] = .integer(scored.total)
    }
    if let selection, selection.score.isFinite {
      members["selection"] = .object([
        "by": .string(selection.rule), "score": .number(selection.score),
      ])
    }
    members["start"] = start.map { .string($0) }
    members["note"] = note.map { .string($0) }
    return .object(members)
  }

  private static func json(_ set: Utterances) -> JSONValue {
    .object(["utterances": .integer(set.count), "digest": .string(set.digest)])
  }

  /// Reads the JSON text of a file. Keys of later versions are ignored.
  ///
  /// - Returns: nil if it is no card.
  package init?(parsing text: String) {
    guard let json = try? JSONValue(parsing: Array(text.utf8)),
      let kind = json["kind"]?.string.flatMap(Kind.init), let epochs = json["epochs"]?.integers
    else { return nil }
    self.init(kind: kind, epochs: epochs, step: json["step"]?.integer)
    if case .object(let members) = json["recipe"] { recipe = members }
    corpus = json["corpus"]?.string
    trainSet = json["train_set"].flatMap(Self.set)
    validationSet = json["validation_set"].flatMap(Self.set)
    if case .array(let entries) = json["scores"] {
      scores = entries.compactMap { entry in
        guard let metric = entry["metric"]?.string, let enhanced = entry["enhanced"]?.double else {
          return nil
        }
        return Score(metric: metric, noisy: entry["noisy"]?.double, enhanced: enhanced)
      }
    }
    if let count = json["scored"]?.integer, let total = json["total"]?.integer {
      scored = (count, total)
    }
    if let rule = json["selection"]?["by"]?.string, let score = json["selection"]?["score"]?.double
    {
      selection = (rule, score)
    }
    start = json["start"]?.string
    note = json["note"]?.string
  }

  static func set(_ json: JSONValue) -> Utterances? {
    guard let count = json["utterances"]?.integer, let digest = json["digest"]?.string else {
      return nil
    }
    return Utterances(count: count, digest: digest)
  }
}

extension JSONValue {
  /// The value as an integer; nil for other values.
  fileprivate var integer: Int? {
    if case .integer(let value) = self { return value }
    return nil
  }

  /// The value as a number; nil for other values.
  fileprivate var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
