import Files
import Models

/// How the learning rate falls: the kind of decay with its numbers.
public struct ScheduleSettings: Equatable, Sendable {
  /// The kind.
  public let decay: LearningRateSchedule.Decay
  /// Factor of the learning rate at each decay of `step`, `exponential` and `plateau`.
  public var factor: Double
  /// Epochs between two decays of `step`.
  public var epochs = 10
  /// Epochs in a row without a better validation score that `plateau` tolerates.
  public var patience = 10
  /// How much higher than the best a score has to be to count as better for `plateau`.
  public var threshold = 1e-4

  /// The decay of this kind with its usual numbers: ×0.98 every 10 epochs for `step` (the published
  /// recipe), ×0.99 for `exponential` (SEMamba's), ×0.5 after 10 epochs for `plateau`.
  public init(_ decay: LearningRateSchedule.Decay) {
    self.decay = decay
    switch decay {
    case .step: factor = 0.98
    case .exponential: factor = 0.99
    case .plateau: factor = 0.5
    case .cosine, .constant: factor = 1
    }
  }
}

extension ScheduleSettings {
  /// Reads the object `schedule` of a recipe. Keys that are missing have their usual numbers.
  ///
  /// - Throws: `ConfigurationError` for an unknown key or an impossible value.
  init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    let decay = try reader.choice("kind", LearningRateSchedule.Decay.allCases)
    var settings = ScheduleSettings(decay)
    try reader.allow(Self.keys(decay))
    try reader.read("factor", above: 0, upTo: 1) { settings.factor = $0 }
    try reader.read("epochs", in: 1...1_000_000) { settings.epochs = $0 }
    try reader.read("patience", in: 0...1_000_000) { settings.patience = $0 }
    try reader.read("threshold", from: 0, below: 1e6) { settings.threshold = $0 }
    self = settings
  }

  /// Keys of a schedule of this kind.
  static func keys(_ decay: LearningRateSchedule.Decay) -> [String] {
    switch decay {
    case .step: ["kind", "factor", "epochs"]
    case .exponential: ["kind", "factor"]
    case .plateau: ["kind", "factor", "patience", "threshold"]
    case .cosine, .constant: ["kind"]
    }
  }

  /// The object `schedule` of a recipe, complete.
  var json: JSONValue {
    var members: [String: JSONValue] = ["kind": .string(decay.rawValue)]
    switch decay {
    case .step:
      members["factor"] = .decimal(factor)
      members["epochs"] = .integer(epochs)
    case .exponential:
      members["factor"] = .decimal(factor)
    case .plateau:
      members["factor"] = .decimal(factor)
      members["patience"] = .integer(patience)
      members["threshold"] = .decimal(threshold)
    case .cosine, .constant: break
    }
    return .object(members)
  }
}

/// Position of the schedule `plateau`: the only one that depends on more than the step's number.
///
/// As `torch.optim.lr_scheduler.ReduceLROnPlateau` with `mode="max"`, `threshold_mode="abs"` and no
/// cooldown.
public struct PlateauProgress: Codable, Equatable, Sendable {
  /// The best validation score so far; nil before the first.
  public var best: Double?
  /// Epochs in a row since whose score was not better.
  public var badEpochs = 0
  /// Factor of the learning rate.
  public var factor = 1.0

  /// The start of a run.
  public init() {}

  /// Takes the validation score of an epoch, of which higher is better.
  public mutating func observe(_ score: Double, _ settings: ScheduleSettings) {
    if let best, !(score > best + settings.threshold) {
      badEpochs += 1
    } else {
      best = score
      badEpochs = 0
    }
    if badEpochs > settings.patience {
      factor *= settings.factor
      badEpochs = 0
    }
  }

  /// Forgets the best score, when scores change their meaning. The rate stays.
  public mutating func forgetBest() {
    best = nil
    badEpochs = 0
  }
}
