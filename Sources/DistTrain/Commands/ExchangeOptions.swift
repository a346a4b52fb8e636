import ArgumentParser

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

  func validate() throws {
    guard bucketMb >= 0.001 && bucketMb <= 1000 else {
      throw ValidationError("--bucket-mb must be between 0.001 and 1000, not \(bucketMb)")
    }
  }

  var settings: ExchangeSettings {
    ExchangeSettings(bucketBytes: Int(bucketMb * 1e6), wire: wire, overlaps: overlap)
  }
}

extension WireFormat: ExpressibleByArgument {}
