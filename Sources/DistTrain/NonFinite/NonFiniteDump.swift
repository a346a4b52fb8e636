import Adversarial
import Files
import Foundation
import Models
import Platform
import Recipes
import Tensor

/// Why a dump cannot be used.
package enum NonFiniteDumpError: Error, Equatable, CustomStringConvertible {
  /// Not a whole safetensors file.
  case unreadable(SafetensorsError)
  /// A safetensors file of something else.
  case foreign(path: String)
  /// A dump with something wrong in it.
  case damaged(path: String, reason: String)
  /// The dump has another version of the format.
  case otherFormat(path: String, format: Int)
  /// The dump holds no such utterance.
  case noUtterance(path: String, name: String, names: [String])

  /// One sentence that names the file and says what to do.
  package var description: String {
    switch self {
    case .unreadable(let error): "\(error); replay takes a file of the run's folder nonfinite"
    case .foreign(let path):
      "\(path) is a safetensors file, but no dump of a skipped step; replay takes a file of the "
        + "run's folder nonfinite"
    case .damaged(let path, let reason):
      "\(path) is a damaged dump: \(reason); copy it again from the run's folder"
    case .otherFormat(let path, let format):
      "\(path) is a dump of format \(format), and this program reads \(NonFiniteDump.format); "
        + "replay it with the program that wrote it"
    case .noUtterance(let path, let name, let names):
      "\(path) holds no utterance \(name); it has \(ItemList.text(names))"
    }
  }
}

/// Everything to compute the utterances of a skipped step again, without corpus and checkpoint: a
/// safetensors file.
///
/// Tensors: `weights.NAME`, and `noisy.I` and `clean.I` with the samples of utterance I. With a
/// discriminator also its weights and spectral norms, named as in a checkpoint, and `labels.I`: the
/// labels of the estimate and, if it has one, of the noisy crop. Metadata: the header below, its
/// CRC-32C and those of the tensors.
package struct NonFiniteDump: Sendable {
  /// Version of the format.
  package static let format = 1
  private static let headerKey = "nonfinite"
  private static let headerChecksumKey = "nonfinite.crc32c"

  /// Contents of the dump besides tensors.
  package struct Header: Codable, Equatable, Sendable {
    /// Version of the format.
    package var format = NonFiniteDump.format
    /// Name and version of the program.
    package var program = Program.nameAndVersion
    /// Instruction set of its kernels.
    package var kernels: String
    /// Number of the skipped step, from 1.
    package var step: Int
    /// Its epoch, from 1.
    package var epoch: Int
    /// Its learning rate.
    package var learningRate: Double
    /// Number of ranks.
    package var worldSize: Int
    /// Names of the utterances whose samples are here.
    package var utterances: [String] = []
    /// Findings of the rank.
    package var report: NonFiniteReport
    /// The run's configuration.
    package var configuration: TrainingConfiguration
    /// Facts about the discriminator; nil without one.
    package var discriminator: Discriminator?
    /// CRC-32C of each tensor's bytes.
    package var checksums: [String: String] = [:]

    /// A header of a dump that is to be written; what it says of the tensors is added then.
    package init(
      kernels: String, step: Int, epoch: Int, learningRate: Double, worldSize: Int,
      report: NonFiniteReport, configuration: TrainingConfiguration
    ) {
      self.kernels = kernels
      self.step = step
      self.epoch = epoch
      self.learningRate = learningRate
      self.worldSize = worldSize
      self.report = report
      self.configuration = configuration
    }
  }

  /// Facts about the discriminator's part of the step, besides tensors.
  package struct Discriminator: Codable, Equatable, Sendable {
    /// Decisions of the step.
    package var decisions: AdversarialInspection.Settings
    /// Indices of the utterances in the training split; nil for one that was not judged.
    package var utterances: [Int?] = []
    /// Why utterances have no label; nil for one that has.
    package var faults: [String?] = []

    /// Facts about a step with these `decisions`; those about utterances are added when the dump is
    /// written.
    package init(decisions: AdversarialInspection.Settings) { self.decisions = decisions }
  }

  /// An utterance's samples, at the sample rate of the model's front end.
  package struct Utterance: Sendable {
    /// Its name.
    package let name: String
    /// Input of the model.
    package let noisy: [Float]
    /// Target of the loss.
    package let clean: [Float]
    /// Its crop as the discriminator judged it; nil without.
    package let judged: JudgedCrop?

    /// Utterance of which both sides have the same number of samples; full scale is 1.
    package init(name: String, noisy: [Float], clean: [Float], judged: JudgedCrop? = nil) {
      self.name = name
      self.noisy = noisy
      self.clean = clean
      self.judged = judged
    }
  }

  /// All but the tensors.
  package let header: Header
  /// The samples.
  package let utterances: [Utterance]
  /// The name of the file in errors.
  package let path: String
  private let tensors: [String: SafetensorsFile.Entry]

  /// The bytes of a dump of `model` and, if the header tells of it, of a discriminator's state, as
  /// they are.
  package static func serialized(
    _ header: Header, _ model: SpeechEnhancer, _ utterances: [Utterance],
    adversarial: AdversarialState? = nil
  ) throws -> [UInt8] {
    var header = header
    var entries: [SafetensorsFile.Entry] = []
    func append(_ name: String, _ shape: [Int], _ values: UnsafeBufferPointer<Float>) {
      entries.append(.init(name: name, shape: shape, values: values))
      header.checksums[name] = CRC32C(UnsafeRawBufferPointer(values)).text
    }
    for parameter in model.parameters.parameters {
      append(
        weightPrefix + parameter.name, parameter.shape,
        UnsafeBufferPointer(start: parameter.value, count: parameter.count))
    }
    for (index, utterance) in utterances.enumerated() {
      for (side, samples) in [("noisy", utterance.noisy), ("clean", utterance.clean)] {
        samples.withUnsafeBufferPointer { append("\(side).\(index)", [samples.count], $0) }
      }
    }
    header.utterances = utterances.map(\.name)
    if let adversarial, header.discriminator != nil {
      let network = adversarial.discriminator
      for parameter in network.parameters.parameters + network.spectralState.parameters {
        append(
          AdversarialInspection.prefix + parameter.name, parameter.shape,
          UnsafeBufferPointer(start: parameter.value, count: parameter.count))
      }
      for (index, utterance) in utterances.enumerated() {
        guard let labels = utterance.judged?.labels, labels.fault == nil else { continue }
        let values = [labels.estimate] + (labels.noisy.map { [$0] } ?? [])
        values.withUnsafeBufferPointer { append("labels.\(index)", [values.count], $0) }
      }
      header.discriminator?.utterances = utterances.map(\.judged?.utterance)
      header.discriminator?.faults = utterances.map(\.judged?.labels.fault)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text = try encoder.encode(header)
    let metadata = [
      headerKey: String(decoding: text, as: UTF8.self),
      headerChecksumKey: CRC32C(Array(text)).text,
    ]
    return Array(SafetensorsFile(entries: entries, metadata: metadata).serialized())
  }

  /// Reads a dump and checks all of it.
  package init(contentsOf url: URL) throws(NonFiniteDumpError) {
    let path = url.path(percentEncoded: false)
    let file: SafetensorsFile
    do {
      file = try SafetensorsFile(contentsOf: url)
    } catch {
      throw .unreadable(error)
    }
    guard let text = file.metadata[Self.headerKey] else { throw .foreign(path: path) }
    guard file.metadata[Self.headerChecksumKey] == CRC32C(Array(text.utf8)).text else {
      throw .damaged(path: path, reason: "its header has another checksum than it was written with")
    }
    do {
      header = try JSONDecoder().decode(Header.self, from: Data(text.utf8))
    } catch {
      let format = try? JSONDecoder().decode(Version.self, from: Data(text.utf8)).format
      if let format, format != Self.format { throw .otherFormat(path: path, format: format) }
      throw .damaged(path: path, reason: "its header cannot be read: \(ErrorText.reason(error))")
    }
    guard header.format == Self.format else {
      throw .otherFormat(path: path, format: header.format)
    }
    var values: [String: [Float]] = [:]
    for (name, checksum) in header.checksums {
      guard let entry = file.tensors[name], let floats = try? entry.floats() else {
        throw .damaged(path: path, reason: "\(name) is missing")
      }
      guard floats.withUnsafeBytes({ CRC32C($0) }).text == checksum else {
        throw .damaged(
          path: path, reason: "\(name) has another checksum than it was written with")
      }
      values[name] = floats
    }
    var utterances: [Utterance] = []
    for (index, name) in header.utterances.enumerated() {
      guard let noisy = values["noisy.\(index)"], let clean = values["clean.\(index)"],
        noisy.count == clean.count
      else { throw .damaged(path: path, reason: "the samples of \(name) are missing") }
      utterances.append(
        Utterance(
          name: name, noisy: noisy, clean: clean,
          judged: header.discriminator?.judged(index, labels: values["labels.\(index)"])))
    }
    self.path = url.relativePath
    self.utterances = utterances
    tensors = file.tensors
  }

  /// The model with the weights of the dump, finite or not.
  package func model() throws(NonFiniteDumpError) -> SpeechEnhancer {
    let model = SpeechEnhancer(configuration: header.configuration.model, seed: 0)
    for parameter in model.parameters.parameters { try read(parameter, Self.weightPrefix) }
    return model
  }

  /// Inspection of the discriminator's part of the step; nil without one.
  package func adversarialInspection() throws(NonFiniteDumpError) -> AdversarialInspection? {
    let configuration = header.configuration
    guard let facts = header.discriminator, let recipe = configuration.adversary else { return nil }
    let state = AdversarialState(recipe, seed: configuration.seed)
    let network = state.discriminator
    for parameter in network.parameters.parameters + network.spectralState.parameters {
      try read(parameter, AdversarialInspection.prefix)
    }
    return AdversarialInspection(
      state, recipe, seed: configuration.seed, step: header.step, facts.decisions)
  }

  /// Gives `parameter` the values of the tensor whose name is the parameter's after `prefix`.
  private func read(_ parameter: Parameter, _ prefix: String) throws(NonFiniteDumpError) {
    guard let entry = tensors[prefix + parameter.name], entry.shape == parameter.shape,
      let values = try? entry.floats()
    else {
      let name = prefix == Self.weightPrefix ? parameter.name : prefix + parameter.name
      throw .damaged(path: path, reason: "\(name) \(parameter.shape) is not among its weights")
    }
    parameter.value.update(from: values, count: parameter.count)
  }

  private static let weightPrefix = "weights."

  private struct Version: Decodable { let format: Int }
}

extension NonFiniteDump.Discriminator {
  /// The crop of the utterance `index` of the dump, with the `labels` of its tensor; nil if it was
  /// not judged.
  fileprivate func judged(_ index: Int, labels: [Float]?) -> JudgedCrop? {
    guard utterances.indices.contains(index), faults.indices.contains(index),
      let utterance = utterances[index]
    else { return nil }
    guard faults[index] == nil, let labels, let estimate = labels.first else {
      return JudgedCrop(
        utterance: utterance, labels: CropLabels(fault: faults[index] ?? "no label is recorded"))
    }
    return JudgedCrop(
      utterance: utterance,
      labels: CropLabels(estimate: estimate, noisy: labels.dropFirst().first))
  }
}
