import Communication
import Files
import Foundation
import Models
import Platform

/// Why a file of weights and a preset make no model.
public enum TrainedModelError: Error, Equatable, CustomStringConvertible {
  /// The file does not say what model it is of, and nobody else did.
  case unknownModel(path: String)
  /// The file was written for another model than the preset asked for.
  case otherModel(path: String, writtenFor: String, preset: String)

  /// One sentence that names the file and says what to do.
  public var description: String {
    switch self {
    case .unknownModel(let path):
      "\(path) does not say which model it is of (a file from another program?); name it with "
        + "--preset"
    case .otherModel(let path, let writtenFor, let preset):
      "\(path) was written for the model \"\(writtenFor)\", which differs from --preset \(preset); "
        + "omit --preset to take the file's own"
    }
  }
}

/// Models with weights from files.
public enum TrainedModel {
  /// The model of the weights at `path`; of a checkpoint, those that the run validates: the
  /// averaged ones if there are any.
  ///
  /// - Parameters:
  ///   - preset: Name or path of its configuration; needed only where the file holds none.
  ///   - note: gets a sentence for the user if the file is a checkpoint, or not of float32.
  /// - Throws: `TrainedModelError`, `WeightFileError` or `ConfigurationError`.
  public static func load(
    weights path: String, preset: String?, note: (String) -> Void = { _ in }
  ) throws -> SpeechEnhancer {
    let asked = try preset.map { try Preset.load($0) }
    let file = try WeightFile(contentsOf: URL(fileURLWithPath: path))
    if let asked, let preset, let own = file.configuration, !own.hasSameArchitecture(as: asked) {
      throw TrainedModelError.otherModel(path: path, writtenFor: own.name, preset: preset)
    }
    guard let configuration = asked ?? file.configuration else {
      throw TrainedModelError.unknownModel(path: path)
    }
    let isAveraged = file.isCheckpoint && file.hasAverage
    let prefix = isAveraged ? WeightFile.averagePrefix : ""
    let model = try file.model(configuration, prefix: prefix)
    if !file.convertedTypes.isEmpty {
      let types = file.convertedTypes.joined(separator: " and ")
      note("\(path) holds numbers of the type \(types), which are converted to float32")
    }
    if file.isCheckpoint {
      note(
        "\(path) is a checkpoint: the \(isAveraged ? "averaged weights" : "weights") of that step "
          + "are used; the weights that validated best are in best.safetensors, if there are any")
    }
    return model
  }
}

extension RootDecision {
  /// The model of the weights at `path`, which rank 0 reads, on all ranks. `note` as for
  /// `TrainedModel.load`, on rank 0.
  package func model(
    weights path: String, preset: String?, note: (String) -> Void = { _ in }
  ) throws -> SpeechEnhancer {
    let bytes = try bytes {
      let model = try TrainedModel.load(weights: path, preset: preset, note: note)
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
