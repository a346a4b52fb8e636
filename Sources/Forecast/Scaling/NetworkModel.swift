import Foundation
import Platform

/// What messages cost on a kind of link.
package struct NetworkModel: Equatable, Codable, Sendable {
  /// As the user calls it.
  package var name: String
  /// α: seconds of a message, however short.
  package var alpha: Double
  /// B: bytes a second that a link carries each way.
  package var bandwidth: Double
  /// γ: seconds to add a received byte.
  package var gamma: Double
  /// Seconds of the processor for a byte that is sent or received: what a transfer takes from
  /// computing beside it.
  package var processorSecondsPerByte: Double

  /// Puts the parts together.
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

  /// The memory of a host.
  package static let shared = NetworkModel(
    name: "shared", alpha: 10e-6, bandwidth: 3e9, gamma: addedSecondsPerByte,
    processorSecondsPerByte: 0.2e-9)

  /// Kinds of links by name, with what they usually reach: models, not measurements.
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

  /// Additions at 10 GB/s, about what memory gives one core.
  package static let addedSecondsPerByte = 0.1e-9

  /// The network of that name, or the one that a file of `bench allreduce` measured.
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

  /// What is read of a file of `bench allreduce`.
  private struct Measured: Decodable {
    let kind: String
    let hosts: Int
    let alphaSeconds: Double
    let bytesPerSecond: Double
    let processorSecondsPerByte: Double
  }
}

extension NetworkModel: CustomStringConvertible {
  /// "10gbe (30 µs a message, 1.15 GB/s)".
  package var description: String {
    "\(name) (\(NumberText.figures(alpha * 1e6)) µs a message, "
      + "\(NumberText.figures(bandwidth / 1e9)) GB/s)"
  }
}
