import Foundation
import Platform
import Tensor

/// What a measurement ran on.
package struct BenchmarkMachine: Codable {
  /// The processor's model as the system calls it.
  package let processor: String
  /// Processors that the system shows.
  package let cores: Int
  /// Instruction set of our kernels.
  package let instructionSet: String
  /// "own", or "OpenBLAS" and its kernels.
  package let matrixProduct: String
  /// The kernels that OpenBLAS would use or uses.
  package let openBLASCore: String
  /// What in the environment keeps the program from its best.
  package let warnings: [String]

  /// This process on this machine.
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

  /// One line: processor, kernels and matrix product.
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

/// A result file: the figures of one benchmark, and when, where and by what they were measured.
package struct BenchmarkFile<Figures: Encodable>: Encodable {
  /// Which benchmark: "step", "kernels", "enhance", "pesq" or "score".
  package let kind: String
  /// What the user calls this build, such as a commit.
  package let label: String?
  package let machine: BenchmarkMachine
  package let figures: Figures

  package init(kind: String, label: String?, machine: BenchmarkMachine, figures: Figures) {
    self.kind = kind
    self.label = label
    self.machine = machine
    self.figures = figures
  }

  private enum Key: String, CodingKey { case kind, label, machine, version, date }

  /// The figures' keys and these on one level.
  package func encode(to encoder: any Encoder) throws {
    try figures.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(kind, forKey: .kind)
    try container.encodeIfPresent(label, forKey: .label)
    try container.encode(machine, forKey: .machine)
    try container.encode(Program.version, forKey: .version)
    try container.encode(Date.now.ISO8601Format(), forKey: .date)
  }

  /// Indented, keys sorted.
  package func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
