import ArgumentParser
import Communication
import DistTrain
import Exchange

/// How gradients travel, for the commands that take steps.
struct ExchangeOptions: ParsableArguments {
  /// Megabytes that a bucket of gradients may have.
  static let bucketMegabytes = 0.001...1000.0

  @Option(help: "Megabytes of gradients that travel together.")
  var bucketMb = Double(ExchangeSettings.defaultBucketBytes) / 1e6

  @Option(help: "Numbers on the wire: float64 (exact), float32 or bf16.")
  var wire = WireFormat.float64

  @Flag(
    inversion: .prefixedNo,
    help: "Send gradients while backward still computes others. The result is the same.")
  var overlap = true

  @Option(
    help: ArgumentHelp(
      "Megabytes of activations that a rank may hold to hide more of the exchange. Default: 2000 "
        + "over a network, at most a quarter of a host's memory for its ranks; none inside a host.",
      valueName: "MB"))
  var overlapMemory: Double?

  func validate() throws {
    try Flags.require("--bucket-mb", bucketMb, within: Self.bucketMegabytes)
    try Flags.require("--overlap-memory", overlapMemory, within: 0...1e9)
  }

  var settings: ExchangeSettings {
    ExchangeSettings(
      bucketBytes: Int(bucketMb * 1e6), wire: wire, overlaps: overlap,
      overlapBytes: overlapMemory.map { Int($0 * 1e6) })
  }
}

extension WireFormat: ExpressibleByArgument {}
