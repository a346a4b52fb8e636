import Files
import Models
import Tensor

/// The metric discriminator of a recipe: a network that learns the PESQ of what the generator
/// makes, and leads it.
public struct DiscriminatorRecipe: Equatable, Sendable {
  /// Which of the two networks takes its step first.
  public enum Order: String, CaseIterable, Sendable {
    /// The generator, then the discriminator on the estimate from before that step.
    case generatorFirst = "generator-first"
    /// The discriminator; then the generator is led by the new one.
    case discriminatorFirst = "discriminator-first"
  }

  /// Terms of the discriminator's loss.
  public enum Term: String, CaseIterable, Sendable {
    /// (D(clean, clean) − 1)²
    case clean
    /// (D(clean, estimate) − label of PESQ(clean, estimate))²
    case estimate
    /// (D(estimate, noisy) − label of PESQ(estimate, noisy))², the estimate as the reference.
    case noisy
  }

  /// Treatment of utterances that have no label because PESQ fails.
  public enum Missing: String, CaseIterable, Sendable {
    /// Without all labels of the global batch the discriminator does not move in the step.
    case batch
    /// Without all labels of the global batch the discriminator learns from the clean term alone.
    case clean
    /// Utterances without labels are left out of the terms that need them.
    case utterance
  }

  /// When the generator begins to use the discriminator, which itself learns from the first step.
  public enum Start: Equatable, Sendable {
    /// From the epoch, counted from 0, that is at least this part of all epochs.
    case fraction(Double)
    /// From this epoch on, counted from 1.
    case epoch(Int)

    /// Epochs that are trained before the use begins, of `epochs` in all.
    public func epochsBefore(of epochs: Int) -> Int {
      switch self {
      case .fraction(let fraction): Int((fraction * Double(epochs)).rounded(.up))
      case .epoch(let epoch): epoch - 1
      }
    }
  }

  /// Weight of mean (D(clean, estimate) − 1)² in the generator's loss.
  public var weight: Double
  /// When the generator begins to use it.
  public var from = Start.epoch(1)
  /// Which network takes its step first.
  public var order = Order.generatorFirst
  /// Largest output of the learnable sigmoid, β.
  public var beta = 1.2
  /// Number that is added to PESQ; the sum over `labelScale` is the label.
  public var labelOffset = 0.5
  /// See `labelOffset`.
  public var labelScale = 5.0
  /// Terms of its loss, in the order of their passes.
  public var terms: [Term] = [.estimate, .clean, .noisy]
  /// Treatment of missing labels.
  public var missing = Missing.batch
  /// Number that is added to magnitudes before their power.
  public var magnitudeEpsilon = 1e-10
  /// Exponent of the magnitudes that it sees.
  public var magnitudeExponent = 0.3
  /// Channels of its first convolution, ndf.
  public var channels = 16
  /// Probability with which dropout zeroes a number of its second last layer.
  public var dropout = 0.3
  /// Its optimizer.
  public var optimizer = AdamSettings()
  /// Its learning rate before schedule and warm-up; the warm-up is the generator's.
  public var learningRate = 1e-3
  /// How its rate falls.
  public var schedule = ScheduleSettings(.step)
  /// Limit of its gradient's norm; nil for none.
  public var clip: Double? = 5

  /// The published discriminator of the BSRNN systems with `weight` in the generator's loss.
  public init(weight: Double) { self.weight = weight }
}

extension DiscriminatorRecipe {
  /// Reads the object `discriminator` of a recipe. Keys that are missing have the published values
  /// of the BSRNN systems, but for `from`, which is the first epoch.
  ///
  /// - Throws: `ConfigurationError` for an unknown key or an impossible value.
  init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow([
      "weight", "from", "order", "beta", "label", "terms", "missing", "magnitude", "channels",
      "dropout", "optimizer", "learning_rate", "schedule", "clip",
    ])
    self.init(weight: try reader.number("weight"))
    try reader.read("weight", above: 0, upTo: 1e6) { weight = $0 }
    if reader.optional("from") != nil { from = try Start(reading: reader.object("from")) }
    if reader.optional("order") != nil { order = try reader.choice("order", Order.allCases) }
    try reader.read("beta", above: 0, upTo: 100) { beta = $0 }
    if reader.optional("label") != nil {
      let label = try reader.object("label")
      try label.allow(["offset", "scale"])
      labelOffset = try label.number("offset")
      try label.read("offset", from: -100, below: 100) { labelOffset = $0 }
      labelScale = try label.number("scale")
      try label.read("scale", above: 0, upTo: 100) { labelScale = $0 }
    }
    if reader.optional("terms") != nil { terms = try Self.terms(reader) }
    if reader.optional("missing") != nil {
      missing = try reader.choice("missing", Missing.allCases)
    }
    if reader.optional("magnitude") != nil {
      let magnitude = try reader.object("magnitude")
      try magnitude.allow(["epsilon", "exponent"])
      try magnitude.read("epsilon", from: 0, below: 1) { magnitudeEpsilon = $0 }
      try magnitude.read("exponent", above: 0, upTo: 2) { magnitudeExponent = $0 }
    }
    try reader.read("channels", in: 1...1024) { channels = $0 }
    try reader.read("dropout", from: 0, below: 1) { dropout = $0 }
    if reader.optional("optimizer") != nil {
      optimizer = try AdamSettings(reading: reader.object("optimizer"))
    }
    try reader.read("learning_rate", above: 0, upTo: 1e3) { learningRate = $0 }
    if reader.optional("schedule") != nil {
      schedule = try ScheduleSettings(reading: reader.object("schedule"))
      if schedule.decay == .plateau {
        throw try reader.impossible(
          "schedule", "must not be of the kind \"plateau\": there is no score of a discriminator")
      }
    }
    try reader.readLimit("clip") { clip = $0 }
  }

  private static func terms(
    _ reader: ConfigurationReader
  ) throws(ConfigurationError) -> [Term] {
    var terms: [Term] = []
    for item in try reader.list("terms") {
      guard let term = item.string.flatMap(Term.init(rawValue:)), !terms.contains(term) else {
        throw try reader.impossible(
          "terms", "must be a list of \"clean\", \"estimate\" and \"noisy\", each at most once")
      }
      terms.append(term)
    }
    guard terms.contains(.estimate) else {
      throw try reader.impossible(
        "terms", "must contain \"estimate\", without which it learns nothing about the generator")
    }
    return terms
  }

  /// The object `discriminator` of a recipe, complete.
  var json: JSONValue {
    .object([
      "weight": .decimal(weight), "from": from.json, "order": .string(order.rawValue),
      "beta": .decimal(beta),
      "label": .object(["offset": .decimal(labelOffset), "scale": .decimal(labelScale)]),
      "terms": .array(terms.map { .string($0.rawValue) }), "missing": .string(missing.rawValue),
      "magnitude": .object([
        "epsilon": .decimal(magnitudeEpsilon), "exponent": .decimal(magnitudeExponent),
      ]),
      "channels": .integer(channels), "dropout": .decimal(dropout), "optimizer": optimizer.json,
      "learning_rate": .decimal(learningRate), "schedule": schedule.json,
      "clip": .limit(clip),
    ])
  }
}

extension DiscriminatorRecipe.Start {
  fileprivate init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["fraction", "epoch"])
    var start: Self?
    try reader.read("fraction", from: 0, below: 1) { start = .fraction($0) }
    if reader.optional("fraction") != nil, reader.optional("epoch") != nil {
      throw try reader.impossible("epoch", "\"fraction\" is given, too; leave one out")
    }
    try reader.read("epoch", in: 1...1_000_000_000) { start = .epoch($0) }
    guard let start else {
      _ = try reader.value("fraction")
      preconditionFailure("DiscriminatorRecipe: no start")
    }
    self = start
  }

  fileprivate var json: JSONValue {
    switch self {
    case .fraction(let fraction): .object(["fraction": .decimal(fraction)])
    case .epoch(let epoch): .object(["epoch": .integer(epoch)])
    }
  }
}
