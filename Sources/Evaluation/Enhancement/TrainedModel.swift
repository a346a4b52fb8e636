import Communication
import Files
import Foundation
import Models
import Platform

/// Why a file of weights and a preset make no model.
public enum TrainedModelError: Error, Equatable, CustomStringConvertible {
  /// The file does not say what model it is of, and nobody else did.
  case unknownModel(path: String)
  /// The file holds an optimiser's state besides weights.
  case checkpoint(path: String)
  /// The file was written for another model than the preset asked for.
  case otherModel(path: String, writtenFor: String, preset: String)

  /// One sentence that names the file and says what to do.
  public var description: String {
    switch self {
    case .unknownModel(let path):
      "\(path) does not say which model it is of (a file from another program?); name it with "
        + "--preset"
    case .checkpoint(let path):
      "\(path) is a checkpoint for resuming a run; take best.safetensors beside it, which holds "
        + "the weights that validated best"
    case .otherModel(let path, let writtenFor, let preset):
      "\(path) was written for the model \"\(writtenFor)\", which differs from --preset \(preset); "
        + "omit --preset to take the file's own"
    }
  }
}

/// Models with weights from files.
public enum TrainedModel {
  /// The model of the weights at `path`.
  ///
  /// - Parameter preset: Name or path of its configuration; needed only where the file holds none.
  /// - Throws: `TrainedModelError`, `WeightFileError` or `ConfigurationError`.
  public static func load(weights path: String, preset: String?) throws -> SpeechEnhancer {
    let asked = try preset.map { try Preset.load($0) }
    let file = try WeightFile(contentsOf: URL(fileURLWithPath: path))
    if let asked, let preset, let own = file.configuration, !own.hasSameArchitecture(as: asked) {
      throw TrainedModelError.otherModel(path: path, writtenFor: own.name, preset: preset)
    }
    guard let configuration = asked ?? file.configuration else {
      throw TrainedModelError.unknownModel(path: path)
    }
    do {
      return try file.model(configuration)
    } catch {
      throw isOfCheckpoint(error) ? TrainedModelError.checkpoint(path: path) : error
    }
  }

  private static func isOfCheckpoint(_ error: WeightFileError) -> Bool {
    guard case .unfit(_, _, _, let faults) = error else { return false }
    return faults.contains { fault in
      if case .unexpected(let name, _) = fault { name.hasPrefix("adam.") } else { false }
    }
  }
}

extension RootDecision {
  /// The model of the weights at `path`, which rank 0 reads, on all ranks.
  package func model(weights path: String, preset: String?) throws -> SpeechEnhancer {
    let bytes = try bytes {
      let model = try TrainedModel.load(weights: path, preset: preset)
      // A failure that all ranks share is printed by one of them.
      _ = try Enhancer(model)
      return Array(WeightFile.serialized(model, program: Program.nameAndVersion))
    }
    let file = try WeightFile(SafetensorsFile(data: Data(bytes), path: path), path: path)
    guard let configuration = file.configuration else {
      throw TrainedModelError.unknownModel(path: path)
    }
    return try file.model(configuration)
  }
}
