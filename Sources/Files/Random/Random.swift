/// Random numbers of a seed and a name: `SplitMix64` as parameters, inputs of tests and signals
/// draw from it.
///
/// Every use names its own stream, so results never depend on the order of draws. The seeding
/// differs from that of `SplitMix64(seed:label:)`; both are frozen, since runs are reproducible
/// from their seeds.
public struct Random: RandomNumberGenerator, Sendable {
  private var generator: SplitMix64

  /// A stream that a seed and a name determine.
  public init(seed: UInt64, stream: String) {
    var ofSeed = SplitMix64(seed: seed)
    generator = SplitMix64(seed: ofSeed.next() ^ SplitMix64.mix(FNV1a.hash(stream.utf8)))
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 { generator.next() }

  /// A float drawn uniformly from [low, high).
  public mutating func uniform(in low: Float, _ high: Float) -> Float {
    low + (high - low) * Float(next() >> 40) * 0x1p-24
  }

  /// A standard normal number.
  package mutating func normal() -> Double {
    // The first is never 0.
    let first = (Double(next() >> 11) + 1) * 0x1p-53
    return boxMuller(first, generator.uniform())
  }
}
