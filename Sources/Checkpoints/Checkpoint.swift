import Adversarial
import Files
import Foundation
import Models
import Platform
import Recipes
import Tensor

/// Everything that a run needs to go on as if it had never stopped, as a file holds it.
///
/// Tensors: the weights under their own names, `adam.exp_avg.NAME` and `adam.exp_avg_sq.NAME`,
/// `ema.NAME` with averaged weights, and `frozen.NAME` while those of the last epoch are scored
/// beside training; of a discriminator `discriminator.NAME` with weights and vectors of the
/// spectral norms, `discriminator.adam.exp_avg.NAME` and `discriminator.adam.exp_avg_sq.NAME`.
/// Metadata: the configuration, the counters, the optimisers' and average's step counts, and
/// checksums of everything. `best.safetensors` beside it holds weights of the model only.
public struct Checkpoint {
  /// The name of the file in errors.
  public let path: String
  /// Where the run stood.
  public let progress: TrainingProgress
  /// The recipe of the run.
  public let configuration: TrainingConfiguration
  /// Whether the contents were compared with checksums; files of version 0.1.0 have none.
  public var hasChecksums: Bool { file.hasChecksums }
  private let file: SafetensorsFile
  private let adamStepCount: Int
  private let averageCount: Int?
  private let adversarialStepCount: Int?

  private static let configurationKey = "training_configuration"
  private static let progressKey = "progress"
  private static let adamStepKey = "adam.step"
  private static let averageCountKey = "ema.updates"
  private static let adversarialStepKey = "discriminator.adam.step"

  /// Reads `data`, the bytes of the file at `path`, and compares them with their checksums.
  public init(_ data: Data, path: String) throws(CheckpointError) {
    self.path = path
    do {
      file = try SafetensorsFile(data: data, path: path)
      try file.verifyChecksums(path: path)
    } catch {
      throw .damaged(path: path, reason: error.description)
    }
    configuration = try Self.decoded(Self.configurationKey, file, path)
    progress = try Self.decoded(Self.progressKey, file, path)
    for key in file.metadata.keys.sorted() where !Self.isKnown(metadataKey: key) {
      throw .newer(path: path, holds: key)
    }
    guard progress.isPossible else {
      throw .damaged(
        path: path,
        reason:
          "its counters are impossible (step \(progress.step), \(progress.stepInEpoch) of them in "
          + "epoch \(progress.epoch + 1), \(progress.skippedSteps) skipped)")
    }
    adamStepCount = try Self.decoded(Self.adamStepKey, file, path)
    guard (0...1 << 48).contains(adamStepCount) else {
      throw .damaged(path: path, reason: "\(Self.adamStepKey) is \(adamStepCount)")
    }
    averageCount =
      file.metadata[Self.averageCountKey] == nil
      ? nil : try Self.decoded(Self.averageCountKey, file, path)
    adversarialStepCount =
      file.metadata[Self.adversarialStepKey] == nil
      ? nil : try Self.decoded(Self.adversarialStepKey, file, path)
    if let count = adversarialStepCount, !(0...1 << 48).contains(count) {
      throw .damaged(path: path, reason: "\(Self.adversarialStepKey) is \(count)")
    }
  }

  private static func isKnown(metadataKey key: String) -> Bool {
    key.hasPrefix(SafetensorsFile.checksumPrefix)
      || [
        configurationKey, progressKey, adamStepKey, averageCountKey, adversarialStepKey,
        WeightFile.configurationKey, WeightFile.levelKey,
      ].contains(key)
  }

  private static func decoded<Value: Codable>(
    _ key: String, _ file: SafetensorsFile, _ path: String
  ) throws(CheckpointError) -> Value {
    guard let text = file.metadata[key] else { throw .incomplete(path: path, missing: key) }
    let value: Value
    let known: String
    do {
      value = try JSONDecoder().decode(Value.self, from: Data(text.utf8))
      known = String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    } catch {
      if let name = CheckpointNovelty.unknownKey(error) {
        throw .newer(path: path, holds: "\(key).\(name)")
      }
      throw .damaged(path: path, reason: "\(key): \(ErrorText.reason(error))")
    }
    if let name = CheckpointNovelty.firstUnknownKey(in: text, known: known) {
      throw .newer(path: path, holds: "\(key).\(name)")
    }
    return value
  }

  /// Throws unless this is a checkpoint of the recipe `configuration` and has all that `state`
  /// holds; with `finite`, in numbers that are all finite.
  public func check(
    _ state: TrainingState, _ configuration: TrainingConfiguration, finite: Bool = false
  ) throws(CheckpointError) {
    let differences = configuration.differences(from: self.configuration)
    guard differences.isEmpty else { throw .otherRecipe(path: path, differences: differences) }
    if state.average != nil && averageCount == nil {
      throw .incomplete(path: path, missing: Self.averageCountKey)
    }
    if state.adversarial != nil && adversarialStepCount == nil {
      throw .incomplete(path: path, missing: Self.adversarialStepKey)
    }
    let places = try places(state, frozen: frozenValues(state))
    let known = Set(places.map(\.0.name))
    if let other = file.entries.first(where: { !known.contains($0.name) }) {
      throw .newer(path: path, holds: other.name)
    }
    guard finite else { return }
    for (entry, _) in places {
      let count = entry.withBytes { bytes in
        stride(from: 0, to: bytes.count, by: 4).count {
          !Float(bitPattern: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)).isFinite
        }
      }
      if count > 0 {
        throw .damaged(
          path: path,
          reason: "\(NumberText.count(count, "number")) of \(entry.name) "
            + "\(NumberText.agree(count, "is", "are")) not finite")
      }
    }
  }

  /// Sets `state` to what the file holds. Nothing has changed if it throws.
  public func restore(
    _ state: TrainingState, _ configuration: TrainingConfiguration
  ) throws(CheckpointError) {
    try check(state, configuration)
    let frozen = frozenValues(state)
    for (entry, target) in try places(state, frozen: frozen) {
      entry.withBytes { bytes in
        UnsafeMutableRawBufferPointer(start: target, count: bytes.count).copyMemory(from: bytes)
      }
    }
    if let frozen { state.freeze(frozen) }
    state.progress = progress
    state.adam.stepCount = adamStepCount
    if let averageCount { state.average?.updateCount = averageCount }
    if let adversarialStepCount { state.adversarial?.adam.stepCount = adversarialStepCount }
  }

  /// Room for frozen weights, if the file has to hold them.
  private func frozenValues(_ state: TrainingState) -> Storage? {
    progress.unvalidated == nil ? nil : Storage(count: state.model.parameters.count)
  }

  /// Every tensor, of the type and shape that it must have, and where it belongs: in `state`, or in
  /// `frozen`.
  private func places(
    _ state: TrainingState, frozen: Storage?
  ) throws(CheckpointError) -> [(SafetensorsFile.Entry, UnsafeMutablePointer<Float>)] {
    var places: [(SafetensorsFile.Entry, UnsafeMutablePointer<Float>)] = []
    for (prefix, arena, storage) in Self.buffers(state, frozen: frozen) {
      for parameter in arena.parameters {
        let name = prefix + parameter.name
        guard let entry = file.tensors[name] else {
          throw .incomplete(path: path, missing: name)
        }
        guard entry.shape == parameter.shape else {
          throw .damaged(
            path: path, reason: "\(name) is \(entry.shape), the model has \(parameter.shape)")
        }
        guard entry.dtype == "F32" else {
          throw .damaged(path: path, reason: "\(name) has the type \(entry.dtype), not F32")
        }
        places.append((entry, storage.base + parameter.offset))
      }
    }
    return places
  }

  /// The bytes of a checkpoint: the same bytes for the same state and configuration.
  public static func serialized(
    _ state: TrainingState, _ configuration: TrainingConfiguration
  ) throws -> Data {
    var entries: [SafetensorsFile.Entry] = []
    let frozen = state.progress.unvalidated == nil ? nil : state.frozen.parameters.values
    let buffers = buffers(state, frozen: frozen)
    for (prefix, arena, storage) in buffers {
      for parameter in arena.parameters {
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
    let level = state.model.inputLevel
    if level != .asIs { metadata[WeightFile.levelKey] = level.rawValue }
    if let average = state.average { metadata[averageCountKey] = String(average.updateCount) }
    if let adversarial = state.adversarial {
      metadata[adversarialStepKey] = String(adversarial.adam.stepCount)
    }
    let groups = buffers.filter { !$0.prefix.isEmpty }.map { String($0.prefix.dropLast()) }
    return SafetensorsFile(entries: entries, metadata: metadata)
      .addingChecksums(groups: groups).serialized()
  }

  private static func buffers(
    _ state: TrainingState, frozen: Storage?
  ) -> [(prefix: String, arena: ParameterArena, values: Storage)] {
    let arena = state.model.parameters
    var all = [
      ("", arena, arena.values), ("adam.exp_avg.", arena, state.adam.firstMoment),
      ("adam.exp_avg_sq.", arena, state.adam.secondMoment),
    ]
    if let average = state.average { all.append(("ema.", arena, average.values)) }
    if let frozen { all.append(("frozen.", arena, frozen)) }
    return all + (state.adversarial?.tensors ?? [])
  }
}
