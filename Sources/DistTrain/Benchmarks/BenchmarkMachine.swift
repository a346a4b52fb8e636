import Foundation
import Tensor

/// The machine of a measurement.
struct BenchmarkMachine: Codable {
  /// Model of the processor, as the system calls it.
  let processor: String
  /// Number of processors that the system shows.
  let cores: Int
  /// Instruction set of our kernels.
  let instructionSet: String
  /// "own", or "OpenBLAS" and its kernels.
  let matrixProduct: String
  /// Kernels that OpenBLAS uses or would use.
  let openBLASCore: String
  /// Warnings about settings of the environment that make the program slower.
  let warnings: [String]

  /// The machine and the settings of this process.
  static func current() -> BenchmarkMachine {
    let info = OpenBLASInfo()
    let environment = ProcessInfo.processInfo.environment
    var warnings: [String] = []
    if availableKernels.count > 1 && kernels.instructionSet == "AVX2" {
      warnings.append(
        "DISTTRAIN_KERNELS=\(environment["DISTTRAIN_KERNELS"] ?? "") holds the kernels to AVX2 "
          + "though this machine has AVX-512; unset it to measure what the machine can do")
    }
    if let warning = info.warning { warnings.append(warning) }
    return BenchmarkMachine(
      processor: processorModel(), cores: ProcessInfo.processInfo.processorCount,
      instructionSet: kernels.instructionSet,
      matrixProduct: usesOpenBLAS ? "OpenBLAS \(info.coreName)" : "own",
      openBLASCore: info.coreName, warnings: warnings)
  }

  /// The machine as a line of text: processor, kernels and matrix product.
  var line: String {
    let product = matrixProduct == "own" ? "own matrix products" : "products by \(matrixProduct)"
    return "\(processor) (\(BenchmarkText.count(cores, "core"))): \(instructionSet) kernels, "
      + product
  }

  private static func processorModel() -> String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = line?.split(separator: ":", maxSplits: 1).last
    return name?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
  }
}

/// A result file: the figures of one benchmark, with machine, version and date of the measurement.
struct BenchmarkFile<Figures: Encodable>: Encodable {
  /// Kind of the benchmark: "step", "kernels", "enhance", "pesq" or "score".
  let kind: String
  /// The user's name for this build, such as a commit.
  let label: String?
  let machine: BenchmarkMachine
  let figures: Figures

  private enum Key: String, CodingKey { case kind, label, machine, version, date }

  /// Encodes the keys of the figures and of this type on one level.
  func encode(to encoder: any Encoder) throws {
    try figures.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(kind, forKey: .kind)
    try container.encodeIfPresent(label, forKey: .label)
    try container.encode(machine, forKey: .machine)
    try container.encode(Program.version, forKey: .version)
    try container.encode(Date.now.ISO8601Format(), forKey: .date)
  }

  /// The file as indented JSON with sorted keys.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
