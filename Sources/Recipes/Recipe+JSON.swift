import Files
import Models
import Tensor

extension Recipe {
  /// The keys of a recipe's file.
  package static let keys = [
    "name", "title", "summary", "epochs", "batch", "global_batch", "scaling", "optimizer",
    "learning_rate", "schedule", "warmup", "clip", "average", "crop", "short", "level", "losses",
    "best_by", "patience", "average_best", "discriminator", sourceKey,
  ]

  /// Key of a run's copy that names the recipe from which the run began; it decides nothing.
  static let sourceKey = "resolved_from"

  /// Reads a recipe from a JSON document that errors call `file`. Keys that are missing have the
  /// values of the published recipe; sections that are given replace those of the published recipe
  /// as a whole.
  ///
  /// - Throws: `ConfigurationError` for an unknown key or an impossible value.
  public init(json: JSONValue, file: String) throws(ConfigurationError) {
    let reader = try ConfigurationReader(json, file: file)
    try reader.allow(Self.keys)
    if reader.optional(Self.sourceKey) != nil {
      try reader.object(Self.sourceKey).allow(["recipe", "digest"])
    }
    self.init()
    if reader.optional("name") != nil { name = try reader.string("name") }
    if reader.optional("title") != nil { title = try reader.string("title") }
    if reader.optional("summary") != nil { summary = try reader.string("summary") }
    try readSteps(reader)
    try readRate(reader)
    try readData(reader)
    if reader.optional("losses") != nil {
      losses = try LossSettings(reading: reader.object("losses"))
      if losses.isEmpty { throw try reader.impossible("losses", "one term needs a weight above 0") }
    }
    try readSelection(reader)
    if let value = reader.optional("discriminator"), value.string != "none" {
      discriminator = try DiscriminatorRecipe(reading: reader.object("discriminator"))
    }
  }

  private mutating func readSteps(
    _ reader: ConfigurationReader
  ) throws(ConfigurationError) {
    try reader.read("epochs", in: 1...Self.largestCount) { epochs = $0 }
    // A recipe that gives a global batch alone leaves the shares to the ranks.
    if reader.optional("global_batch") != nil { batch = nil }
    try reader.read("global_batch", in: 1...Self.largestCount, or: "any") { globalBatch = $0 }
    try reader.read("batch", in: 1...Self.largestBatch, or: "share") { batch = $0 }
    if reader.optional("batch") != nil && batch == nil && globalBatch == nil {
      throw try reader.impossible("batch", "there is no \"global_batch\" to share")
    }
    if reader.optional("scaling") != nil {
      scaling = try reader.choice("scaling", Scaling.allCases)
      if scaling != .none && globalBatch == nil {
        throw try reader.impossible("scaling", "there is no \"global_batch\" to scale from")
      }
    }
  }

  private mutating func readRate(_ reader: ConfigurationReader) throws(ConfigurationError) {
    if reader.optional("optimizer") != nil {
      optimizer = try AdamSettings(reading: reader.object("optimizer"))
    }
    try reader.read("learning_rate", above: 0, upTo: 1e3) { learningRate = $0 }
    if reader.optional("schedule") != nil {
      schedule = try ScheduleSettings(reading: reader.object("schedule"))
    }
    if reader.optional("warmup") != nil { warmup = try Warmup(reading: reader.object("warmup")) }
    try reader.readLimit("clip") { clip = $0 }
    try reader.readDecay("average") { averageDecay = $0 }
  }

  private mutating func readData(_ reader: ConfigurationReader) throws(ConfigurationError) {
    if reader.optional("crop") != nil { crop = try Crop(reading: reader.object("crop")) }
    if reader.optional("short") != nil {
      shortUtterances = try reader.choice("short", ShortUtterances.allCases)
    }
    if reader.optional("level") != nil {
      level = try reader.choice("level", InputLevel.allCases)
    }
  }

  private mutating func readSelection(
    _ reader: ConfigurationReader
  ) throws(ConfigurationError) {
    if let value = reader.optional("best_by"), value.string != "standard" {
      let text = try reader.string("best_by")
      do throws(SelectionRuleError) {
        bestBy = try SelectionRule(parsing: text)
      } catch {
        throw try reader.impossible(
          "best_by", "must be \"standard\" or a rule of metrics: \(error.description)")
      }
    }
    try reader.read("patience", in: 1...Self.largestCount, or: "none") { patience = $0 }
    try reader.read("average_best", in: Self.averageableEpochs, or: "none") { averageBest = $0 }
  }

  /// Numbers of best epochs that have a mean worth keeping, and whose weights a disk holds.
  package static let averageableEpochs = 2...1000
  /// Largest number of epochs, steps and utterances of a step.
  package static let largestCount = 1_000_000_000
  /// Largest batch of a rank.
  package static let largestBatch = 1_000_000

  /// The recipe as JSON, complete, in the form that `init(json:file:)` reads.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "name": .string(name), "epochs": .integer(epochs),
      "batch": batch.map { .integer($0) } ?? .string("share"),
      "global_batch": globalBatch.map { .integer($0) } ?? .string("any"),
      "scaling": .string(scaling.rawValue), "optimizer": optimizer.json,
      "learning_rate": .decimal(learningRate), "schedule": schedule.json, "warmup": warmup.json,
      "clip": .limit(clip), "average": .limit(averageDecay), "crop": crop.json,
      "short": .string(shortUtterances.rawValue), "level": .string(level.rawValue),
      "losses": losses.json,
      "best_by": .string(bestBy.map { "\($0)" } ?? "standard"),
      "patience": patience.map { .integer($0) } ?? .string("none"),
      "average_best": averageBest.map { .integer($0) } ?? .string("none"),
      "discriminator": discriminator?.json ?? .string("none"),
    ]
    if !title.isEmpty { members["title"] = .string(title) }
    if !summary.isEmpty { members["summary"] = .string(summary) }
    return .object(members)
  }

  /// Keys of `json` that differ from `other`'s, as paths with both values; those of `other` are nil
  /// where it has none.
  package func differences(
    from other: Recipe, except: Set<String> = []
  ) -> [(key: String, own: JSONValue?, other: JSONValue?)] {
    let own = Self.leaves(json)
    let others = Self.leaves(other.json)
    let keys = Set(own.keys).union(others.keys)
    return keys.sorted().compactMap { key in
      let top = String(key.prefix { $0 != "." })
      if except.contains(top) || ["name", "title", "summary"].contains(top) { return nil }
      // A discriminator of one side alone is one difference, not one for each of its keys.
      if top == "discriminator", (discriminator == nil) != (other.discriminator == nil) {
        let given = JSONValue.string("given")
        return key == top ? (key, own[key] ?? given, others[key] ?? given) : nil
      }
      return own[key] == others[key] ? nil : (key, own[key], others[key])
    }
  }

  /// The values of a document that are no objects, by their paths of keys.
  package static func leaves(_ json: JSONValue, path: String = "") -> [String: JSONValue] {
    guard case .object(let members) = json else { return [path: json] }
    var found: [String: JSONValue] = [:]
    for (key, value) in members {
      let name = path.isEmpty ? key : "\(path).\(key)"
      found.merge(leaves(value, path: name)) { one, _ in one }
    }
    return found
  }
}

extension Recipe.Warmup {
  fileprivate init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["steps", "epochs"])
    var warmup: Self?
    try reader.read("epochs", from: 0, below: 1e9) { warmup = .epochs($0) }
    if reader.optional("epochs") != nil, reader.optional("steps") != nil {
      throw try reader.impossible("steps", "\"epochs\" is given, too; leave one out")
    }
    try reader.read("steps", in: 0...Recipe.largestCount) { warmup = .steps($0) }
    guard let warmup else {
      _ = try reader.value("steps")
      preconditionFailure("Recipe: no warm-up")
    }
    self = warmup
  }

  fileprivate var json: JSONValue {
    switch self {
    case .steps(let steps): .object(["steps": .integer(steps)])
    case .epochs(let epochs): .object(["epochs": .decimal(epochs)])
    }
  }
}

extension Recipe.Crop {
  fileprivate init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["seconds", "samples"])
    var crop: Self?
    try reader.read("seconds", from: 0.1, below: 600.001) { crop = .seconds($0) }
    if reader.optional("seconds") != nil, reader.optional("samples") != nil {
      throw try reader.impossible("samples", "\"seconds\" is given, too; leave one out")
    }
    try reader.read("samples", in: 1...100_000_000) { crop = .samples($0) }
    guard let crop else {
      _ = try reader.value("seconds")
      preconditionFailure("Recipe: no crop")
    }
    self = crop
  }

  fileprivate var json: JSONValue {
    switch self {
    case .seconds(let seconds): .object(["seconds": .decimal(seconds)])
    case .samples(let samples): .object(["samples": .integer(samples)])
    }
  }
}
