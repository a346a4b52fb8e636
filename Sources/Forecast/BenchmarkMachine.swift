import Files
import Foundation
import Platform
import Tensor

/// The machine of a measurement.
package struct BenchmarkMachine: Codable {
  /// Model of the processor, as the system calls it.
  package let processor: String
  /// Number of processors that the system shows.
  package let cores: Int
  /// Instruction set of our kernels.
  package let instructionSet: String
  /// "own", or "OpenBLAS" and its kernels.
  package let matrixProduct: String
  /// Kernels that OpenBLAS uses or would use.
  package let openBLASCore: String
  /// Warnings about settings of the environment that make the program slower.
  package let warnings: [String]

  /// The machine and the settings of this process.
  package static func current() -> BenchmarkMachine {
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
  package var line: String {
    let product = matrixProduct == "own" ? "own matrix products" : "products by \(matrixProduct)"
    return "\(processor) (\(NumberText.count(cores, "core"))): \(instructionSet) kernels, "
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
package struct BenchmarkFile<Figures: Encodable>: Encodable {
  /// Kind of the benchmark: "step", "kernels", "enhance", "pesq" or "score".
  package let kind: String
  /// The user's name for this build, such as a commit.
  package let label: String?
  package let machine: BenchmarkMachine
  package let figures: Figures

  /// Result file of `figures`, dated when it is encoded.
  package init(kind: String, label: String?, machine: BenchmarkMachine, figures: Figures) {
    self.kind = kind
    self.label = label
    self.machine = machine
    self.figures = figures
  }

  private enum Key: String, CodingKey { case kind, label, machine, version, date }

  /// Encodes the keys of the figures and of this type on one level.
  package func encode(to encoder: any Encoder) throws {
    try figures.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(kind, forKey: .kind)
    try container.encodeIfPresent(label, forKey: .label)
    try container.encode(machine, forKey: .machine)
    try container.encode(Program.version, forKey: .version)
    try container.encode(Date.now.ISO8601Format(), forKey: .date)
  }

  /// The file as indented JSON with sorted keys.
  package func json() throws -> String { try indentedJSON(self) + "\n" }
}
