import ArgumentParser
import Communication
import DistTrain

/// How gradients travel, for the commands that take steps.
struct ExchangeOptions: ParsableArguments {
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
    guard bucketMb >= 0.001 && bucketMb <= 1000 else {
      throw ValidationError("--bucket-mb must be between 0.001 and 1000, not \(bucketMb)")
    }
    if let overlapMemory, !(overlapMemory >= 0 && overlapMemory <= 1e9) {
      throw ValidationError("--overlap-memory must be between 0 and 1e9, not \(overlapMemory)")
    }
  }

  var settings: ExchangeSettings {
    ExchangeSettings(
      bucketBytes: Int(bucketMb * 1e6), wire: wire, overlaps: overlap,
      overlapBytes: overlapMemory.map { Int($0 * 1e6) })
  }
}

extension WireFormat: ExpressibleByArgument {}
