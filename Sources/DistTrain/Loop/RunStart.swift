import Files
import Communication
import Models
import Recipes
import Weights

/// The file of weights that a run shall start from, as its user asks.
public struct StartRequest: Equatable, Sendable {
  /// Path of the file.
  public let path: String
  /// Whether the weights that fit are enough.
  public let isPartial: Bool

  /// A start from all weights of the file at `path`, or from those that fit.
  public init(path: String, isPartial: Bool = false) {
    self.path = path
    self.isPartial = isPartial
  }
}

/// Reasons for which a run that is resumed does not take `--init`.
enum RunStartError: Error, Equatable, CustomStringConvertible {
  /// The run began with random weights.
  case startedRandomly(path: String)
  /// The run began with other weights.
  case startedOtherwise(path: String, fingerprint: String, started: Initialization)
  /// The run has saved nothing, and its own weights are needed once more.
  case needed(started: Initialization)

  /// One sentence that names the file and says what to do.
  var description: String {
    let remedy = "omit --init to continue it, or start a new run in another --run-dir"
    return switch self {
    case .startedRandomly(let path):
      "--init \(path): --resume continues a run from its checkpoint, and this one did not start "
        + "from a file; \(remedy)"
    case .startedOtherwise(let path, let fingerprint, let started):
      "--init \(path): --resume continues a run from its checkpoint, and this one started from "
        + "\(started.file) with the fingerprint \(started.fingerprint), where this file has "
        + "\(fingerprint); \(remedy)"
    case .needed(let started):
      "the run in the folder has saved nothing yet, and started from \(started.file); give that "
        + "again with --init"
    }
  }
}

/// Result of the start from a file of weights.
struct RunStart: Codable {
  /// Record of the file, for the checkpoints.
  var initialization: Initialization
  /// Lines for the log.
  var lines: [String] = []
  /// Differences that the user has to know of.
  var warnings: [String] = []
}

extension RootDecision {
  /// Copies the weights that `start` names into the model of a new run on rank 0, whose weights all
  /// ranks get before the first step. All ranks call it together.
  ///
  /// - Throws: `RootFailure` with the text of an `InitialWeightsError` on all ranks.
  func run(from start: StartRequest, _ model: SpeechEnhancer) throws -> RunStart {
    try value {
      let weights = try InitialWeights(contentsOf: start.path)
      let fit = WeightFit(weights, model: model)
      try fit.require(of: weights, isPartial: start.isPartial)
      fit.copy(to: model)
      let types = weights.file.convertedTypes.joined(separator: " and ")
      let converted = types.isEmpty ? "" : ", converted from \(types) to float32"
      return RunStart(
        initialization: Initialization(
          file: start.path, fingerprint: weights.fingerprint, isPartial: start.isPartial,
          summary: "\(weights.name): \(weights.summary)"),
        lines: ["started from \(start.path): \(weights.summary)\(converted)"] + fit.report,
        warnings: weights.warnings(for: model, isPartial: start.isPartial))
    }
  }

  /// Throws on all ranks unless `start` names the weights that a run with this `initialization`
  /// started from. Returns what to warn of where they are not there any more.
  func require(_ start: StartRequest, isThatOf initialization: Initialization?) throws -> String? {
    try value {
      guard let initialization else { throw RunStartError.startedRandomly(path: start.path) }
      if PathKind(start.path) == nil {
        return "--init \(start.path): the file is not there any more, and the run goes on without "
          + "it; omit --init"
      }
      let fingerprint = try InitialWeights(contentsOf: start.path).fingerprint
      if fingerprint != initialization.fingerprint {
        throw RunStartError.startedOtherwise(
          path: start.path, fingerprint: fingerprint, started: initialization)
      }
      return nil
    }
  }
}
