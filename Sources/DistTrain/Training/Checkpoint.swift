import Foundation
import Models
import Tensor

/// Why a checkpoint cannot be used.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
  /// No such file.
  case missing(path: String)
  /// Not a whole safetensors file.
  case damaged(path: String, reason: String)
  /// A safetensors file that lacks what a checkpoint holds.
  case incomplete(path: String, missing: String)
  /// Of another experiment.
  case otherRecipe(path: String, differences: [String])

  /// One sentence naming the file and what to do.
  public var description: String {
    switch self {
    case .missing(let path):
      "\(path): there is no checkpoint to resume; leave --resume away to start a new run"
    case .damaged(let path, let reason):
      "\(path): the checkpoint cannot be read: \(reason)"
    case .incomplete(let path, let missing):
      "\(path): the checkpoint holds no \(missing); a file with weights only can be evaluated, but "
        + "not resumed"
    case .otherRecipe(let path, let differences):
      "\(path): cannot be resumed with other settings: \(differences.joined(separator: "; ")); "
        + "give the run's own settings or start a new --run-dir"
    }
  }
}

/// `last.safetensors`: everything that a run needs to go on as if it had never stopped.
///
/// Tensors: the weights under their own names, `adam.exp_avg.NAME` and `adam.exp_avg_sq.NAME`, and
/// `ema.NAME` with averaged weights. Metadata: the configuration, the counters and the optimiser's
/// and average's step counts. `best.safetensors` beside it holds weights only.
public enum Checkpoint {
  private static let configurationKey = "training_configuration"
  private static let progressKey = "progress"
  private static let adamStepKey = "adam.step"
  private static let averageCountKey = "ema.updates"

  /// The bytes of a checkpoint.
  public static func serialized(
    _ state: TrainingState, _ configuration: TrainingConfiguration
  ) throws -> Data {
    var entries: [SafetensorsFile.Entry] = []
    for (prefix, storage) in buffers(state) {
      for parameter in state.model.parameters.parameters {
        entries.append(
          .init(
            name: prefix + parameter.name, shape: parameter.shape,
            values: UnsafeBufferPointer(
              start: storage.base + parameter.offset, count: parameter.count)))
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    var metadata = [
      configurationKey: try configuration.json(),
      progressKey: String(decoding: try encoder.encode(state.progress), as: UTF8.self),
      adamStepKey: String(state.adam.stepCount),
      WeightFile.configurationKey: "\(configuration.model.json)",
    ]
    if let average = state.average { metadata[averageCountKey] = String(average.updateCount) }
    return SafetensorsFile(entries: entries, metadata: metadata).serialized()
  }

  /// Continues from `data`, the bytes of the checkpoint at `path`, which must be of the same
  /// recipe. Nothing has changed if it throws.
  public static func load(
    _ data: Data, path: String, into state: TrainingState, _ configuration: TrainingConfiguration
  ) throws {
    let file: SafetensorsFile
    do {
      file = try SafetensorsFile(data: data, path: path)
    } catch {
      throw CheckpointError.damaged(path: path, reason: "\(error)")
    }
    func decoded<Value: Decodable>(_ key: String, _ type: Value.Type) throws -> Value {
      guard let text = file.metadata[key] else {
        throw CheckpointError.incomplete(path: path, missing: key)
      }
      do {
        return try JSONDecoder().decode(type, from: Data(text.utf8))
      } catch {
        throw CheckpointError.damaged(path: path, reason: "\(key): \(error)")
      }
    }
    let saved = try decoded(configurationKey, TrainingConfiguration.self)
    let differences = configuration.differences(from: saved)
    guard differences.isEmpty else {
      throw CheckpointError.otherRecipe(path: path, differences: differences)
    }
    let progress = try decoded(progressKey, TrainingProgress.self)
    let adamSteps = try decoded(adamStepKey, Int.self)
    let averageCount = try state.average.map { _ in try decoded(averageCountKey, Int.self) }

    // All tensors are checked before any is copied.
    var copies: [(values: [Float], target: UnsafeMutablePointer<Float>)] = []
    for (prefix, storage) in buffers(state) {
      for parameter in state.model.parameters.parameters {
        let name = prefix + parameter.name
        guard let entry = file.tensors[name] else {
          throw CheckpointError.incomplete(path: path, missing: name)
        }
        guard entry.shape == parameter.shape else {
          throw CheckpointError.damaged(
            path: path, reason: "\(name) is \(entry.shape), the model has \(parameter.shape)")
        }
        copies.append((try entry.floats(), storage.base + parameter.offset))
      }
    }
    for (values, target) in copies { target.update(from: values, count: values.count) }
    state.progress = progress
    state.adam.stepCount = adamSteps
    if let averageCount { state.average?.updateCount = averageCount }
  }

  private static func buffers(_ state: TrainingState) -> [(prefix: String, Storage)] {
    var all = [
      ("", state.model.parameters.values), ("adam.exp_avg.", state.adam.firstMoment),
      ("adam.exp_avg_sq.", state.adam.secondMoment),
    ]
    if let average = state.average { all.append(("ema.", average.values)) }
    return all
  }
}
