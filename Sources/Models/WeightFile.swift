import Files
import Foundation
import Tensor

/// Weights of a model in a safetensors file, as float32 under PyTorch's names.
///
/// A file of this program also holds the model's configuration as JSON, so that the file alone
/// determines the model, and checksums. A file without these, such as an export from PyTorch, loads
/// into a model that fits. A checkpoint of a run holds weights, too, besides what a run needs to be
/// resumed.
public struct WeightFile {
  /// Metadata key of the configuration's JSON text.
  public static let configurationKey = "configuration"
  /// Metadata key of the program and version that wrote the file.
  public static let programKey = "program"

  /// Metadata key of the level of the signals that the model takes; missing for `InputLevel.asIs`.
  public static let levelKey = "level"

  /// Prefix of averaged weights in a checkpoint.
  public static let averagePrefix = "ema."
  /// Prefixes of the tensors of a checkpoint that are no weights of the model itself.
  private static let checkpointPrefixes = [
    "adam.exp_avg.", "adam.exp_avg_sq.", averagePrefix, "frozen.", "discriminator.",
  ]

  /// The name of the file in errors.
  public let path: String
  /// The configuration of the model that the file was written for; nil if the file holds none.
  public let configuration: ModelConfiguration?
  /// The level of the signals that the model takes.
  public let level: InputLevel
  private let file: SafetensorsFile

  /// Reads a file.
  ///
  /// - Throws: `WeightFileError` if the file or the configuration in it is broken.
  public init(contentsOf url: URL) throws(WeightFileError) {
    let file: SafetensorsFile
    do {
      file = try SafetensorsFile(contentsOf: url)
    } catch {
      throw .invalid(error)
    }
    try self.init(file, path: url.path)
  }

  /// Checks a file that has been read from `path`.
  ///
  /// - Throws: `WeightFileError.invalid` if the contents do not have the checksums in the file,
  ///   `.configuration` if the configuration in the metadata is broken.
  public init(_ file: SafetensorsFile, path: String) throws(WeightFileError) {
    self.file = file
    self.path = path
    do {
      try file.verifyChecksums(path: path)
    } catch {
      throw .invalid(error)
    }
    let name = file.metadata[Self.levelKey] ?? InputLevel.asIs.rawValue
    guard let level = InputLevel(rawValue: name) else {
      throw .unknownLevel(path: path, name: name)
    }
    self.level = level
    guard let text = file.metadata[Self.configurationKey] else {
      configuration = nil
      return
    }
    do {
      configuration = try ModelConfiguration(
        parsing: Array(text.utf8), file: "the configuration in \(path)")
    } catch {
      throw .configuration(error)
    }
  }

  /// Whether the file is a checkpoint: it holds moments of the optimiser.
  public var isCheckpoint: Bool { file.entries.contains { $0.name.hasPrefix("adam.") } }

  /// Whether the file holds averaged weights.
  public var hasAverage: Bool { file.entries.contains { $0.name.hasPrefix(Self.averagePrefix) } }

  /// The text of the metadata under `key`; nil if there is none.
  package func metadata(_ key: String) -> String? { file.metadata[key] }

  /// Copies the weights into a model, all of them or, if anything is wrong, none.
  ///
  /// - Parameters:
  ///   - model: the model that receives the weights.
  ///   - prefix: the prefix of the model's weights in a file that also holds other tensors, which
  ///     are then ignored, as are those of a checkpoint that are no weights.
  /// - Throws: `WeightFileError.unfit` with every missing, unexpected, wrongly shaped, wrongly
  ///   typed and non-finite tensor.
  public func load(into model: SpeechEnhancer, prefix: String = "") throws(WeightFileError) {
    Self.copy(try values(for: model, prefix: prefix), to: model)
  }

  /// A model of `configuration` with these weights. That they fit is checked before memory is taken
  /// for it, so that a configuration that was damaged into a large one is refused at once.
  ///
  /// - Throws: `WeightFileError.unfit` as `load(into:prefix:)` does.
  public func model(
    _ configuration: ModelConfiguration, prefix: String = ""
  ) throws(WeightFileError) -> SpeechEnhancer {
    let model = SpeechEnhancer(layout: configuration)
    let values = try values(for: model, prefix: prefix)
    model.parameters.allocate(seed: 0)
    Self.copy(values, to: model)
    model.inputLevel = level
    return model
  }

  private static func copy(_ values: [[Float]], to model: SpeechEnhancer) {
    for (parameter, floats) in zip(model.parameters.parameters, values) {
      parameter.value.update(from: floats, count: parameter.count)
    }
  }

  /// The values of all parameters, in their order.
  private func values(
    for model: SpeechEnhancer, prefix: String
  ) throws(WeightFileError) -> [[Float]] {
    let parameters = model.parameters.parameters
    var faults: [WeightFileError.Fault] = []
    var values: [[Float]] = []
    values.reserveCapacity(parameters.count)
    for parameter in parameters {
      let (floats, fault) = value(of: parameter, prefix: prefix)
      if let fault { faults.append(fault) }
      values.append(floats)
    }
    let known = Set(parameters.map { prefix + $0.name })
    let ignored = isCheckpoint && prefix.isEmpty ? Self.checkpointPrefixes : []
    for entry in file.entries
    where entry.name.hasPrefix(prefix) && !known.contains(entry.name)
      && !ignored.contains(where: entry.name.hasPrefix)
    {
      faults.append(.unexpected(name: entry.name, shape: entry.shape))
    }
    guard faults.isEmpty else {
      throw .unfit(
        path: path, model: model.configuration.name, writtenFor: configuration?.name,
        faults: faults)
    }
    return values
  }

  private func value(
    of parameter: Parameter, prefix: String
  ) -> ([Float], WeightFileError.Fault?) {
    let name = prefix + parameter.name
    guard let entry = file.tensors[name] else {
      return ([], .missing(name: name, shape: parameter.shape))
    }
    guard entry.shape == parameter.shape else {
      return ([], .wrongShape(name: name, expected: parameter.shape, found: entry.shape))
    }
    guard let floats = try? entry.floats() else {
      return ([], .wrongType(name: name, dtype: entry.dtype))
    }
    let broken = floats.count { !$0.isFinite }
    return (floats, broken == 0 ? nil : .notFinite(name: name, count: broken))
  }

  /// The bytes of a file with the weights and the configuration of `model`, and their checksums.
  ///
  /// - Parameters:
  ///   - model: the model whose weights are written.
  ///   - program: name and version of the writer, such as "disttrain 1.0.0".
  public static func serialized(_ model: SpeechEnhancer, program: String) -> Data {
    let entries = model.parameters.parameters.map { parameter in
      SafetensorsFile.Entry(
        name: parameter.name, shape: parameter.shape,
        values: UnsafeBufferPointer(start: parameter.value, count: parameter.count))
    }
    var metadata = [
      configurationKey: model.configuration.json.description, programKey: program,
      // Python loaders of the format require the framework whose conventions hold.
      "format": "pt",
    ]
    if model.inputLevel != .asIs { metadata[levelKey] = model.inputLevel.rawValue }
    return SafetensorsFile(entries: entries, metadata: metadata).addingChecksums().serialized()
  }
}
