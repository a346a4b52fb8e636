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
/// Tensors: `weights.NAME`, and `noisy.I` and `clean.I` with the samples of utterance I. Metadata:
/// the header below, its CRC-32C and those of the tensors.
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

  /// An utterance's samples, at the sample rate of the model's front end.
  package struct Utterance: Sendable {
    /// Its name.
    package let name: String
    /// Input of the model.
    package let noisy: [Float]
    /// Target of the loss.
    package let clean: [Float]

    /// Utterance of which both sides have the same number of samples; full scale is 1.
    package init(name: String, noisy: [Float], clean: [Float]) {
      self.name = name
      self.noisy = noisy
      self.clean = clean
    }
  }

  /// All but the tensors.
  package let header: Header
  /// The samples.
  package let utterances: [Utterance]
  /// The name of the file in errors.
  package let path: String
  private let weights: [String: SafetensorsFile.Entry]

  /// The bytes of a dump of `model` as it stands.
  package static func serialized(
    _ header: Header, _ model: SpeechEnhancer, _ utterances: [Utterance]
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
      utterances.append(Utterance(name: name, noisy: noisy, clean: clean))
    }
    self.path = url.relativePath
    self.utterances = utterances
    weights = file.tensors.filter { $0.key.hasPrefix(Self.weightPrefix) }
  }

  /// The model with the weights of the dump, finite or not.
  package func model() throws(NonFiniteDumpError) -> SpeechEnhancer {
    let model = SpeechEnhancer(configuration: header.configuration.model, seed: 0)
    for parameter in model.parameters.parameters {
      guard let entry = weights[Self.weightPrefix + parameter.name],
        entry.shape == parameter.shape, let values = try? entry.floats()
      else {
        throw .damaged(
          path: path, reason: "\(parameter.name) \(parameter.shape) is not among its weights")
      }
      parameter.value.update(from: values, count: parameter.count)
    }
    return model
  }

  private static let weightPrefix = "weights."

  private struct Version: Decodable { let format: Int }
}
