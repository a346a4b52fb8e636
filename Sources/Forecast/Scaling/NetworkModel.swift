import Foundation
import Platform

/// The cost of messages on a kind of link.
package struct NetworkModel: Equatable, Codable, Sendable {
  /// Name of the network for users.
  package var name: String
  /// Latency α: time of a message of any length, in seconds.
  package var alpha: Double
  /// Bandwidth B of a link each way, in bytes per second.
  package var bandwidth: Double
  /// Time γ to add a received byte, in seconds.
  package var gamma: Double
  /// Processor time per byte sent or received, in seconds, by which a transfer delays computing
  /// beside it.
  package var processorSecondsPerByte: Double

  /// Network with times in seconds and a bandwidth in bytes per second each way.
  package init(
    name: String, alpha: Double, bandwidth: Double, gamma: Double = 0,
    processorSecondsPerByte: Double = 0
  ) {
    self.name = name
    self.alpha = alpha
    self.bandwidth = bandwidth
    self.gamma = gamma
    self.processorSecondsPerByte = processorSecondsPerByte
  }

  /// Model of shared memory inside a host.
  package static let shared = NetworkModel(
    name: "shared", alpha: 10e-6, bandwidth: 3e9, gamma: addedSecondsPerByte,
    processorSecondsPerByte: 0.2e-9)

  /// Kinds of links by name, with usual values that are not measured.
  package static let known: [NetworkModel] = [
    NetworkModel(
      name: "1gbe", alpha: 50e-6, bandwidth: 117e6, gamma: addedSecondsPerByte,
      processorSecondsPerByte: 0.5e-9),
    NetworkModel(
      name: "10gbe", alpha: 30e-6, bandwidth: 1.15e9, gamma: addedSecondsPerByte,
      processorSecondsPerByte: 0.5e-9),
    NetworkModel(name: "25gbe", alpha: 3e-6, bandwidth: 2.9e9, gamma: addedSecondsPerByte),
    NetworkModel(name: "edr", alpha: 1.5e-6, bandwidth: 11.5e9, gamma: addedSecondsPerByte),
    NetworkModel(name: "hdr", alpha: 1.3e-6, bandwidth: 23e9, gamma: addedSecondsPerByte),
    shared,
  ]

  /// Time to add a byte at 10 GB/s, about the memory bandwidth of one core.
  package static let addedSecondsPerByte = 0.1e-9

  /// Loads the network with a name, or the one that a file of `bench allreduce` measured.
  ///
  /// - Returns: the network, and whether it is the inside of a host.
  package static func load(
    _ text: String
  ) throws(ScalingError) -> (network: NetworkModel, isShared: Bool) {
    if let network = known.first(where: { $0.name == text.lowercased() }) {
      return (network, network.name == shared.name)
    }
    if !text.contains("/") && !text.hasSuffix(".json") { throw .unknownNetwork(text) }
    let data = try ScalingFile.read(text)
    guard let file = try? JSONDecoder().decode(Measured.self, from: data),
      file.kind == AllReduceFigures.kind
    else { throw .notAnAllReduce(path: text) }
    let isShared = file.hosts == 1
    let name = URL(fileURLWithPath: text).deletingPathExtension().lastPathComponent
    let network = NetworkModel(
      name: name, alpha: file.alphaSeconds, bandwidth: file.bytesPerSecond,
      // The measurement contains the additions.
      gamma: 0,
      processorSecondsPerByte: file.processorSecondsPerByte)
    return (network, isShared)
  }

  /// The fields that are read from a file of `bench allreduce`.
  private struct Measured: Decodable {
    let kind: String
    let hosts: Int
    let alphaSeconds: Double
    let bytesPerSecond: Double
    let processorSecondsPerByte: Double
  }
}

extension NetworkModel: CustomStringConvertible {
  /// The model as text, such as "10gbe (30 µs a message, 1.15 GB/s)".
  package var description: String {
    "\(name) (\(NumberText.figures(alpha * 1e6)) µs a message, "
      + "\(NumberText.figures(bandwidth / 1e9)) GB/s)"
  }
}
