/// A small counter-based generator: SplitMix64 (Steele, Lea and Flood 2014).
///
/// Every use names its own stream, so results never depend on the order of draws.
public struct Random: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A stream that a seed and a name determine.
  public init(seed: UInt64, stream: String) {
    // FNV-1a of the name, mixed with the seed.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    state = Random.mix(seed &+ 0x9e37_79b9_7f4a_7c15) ^ Random.mix(hash)
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Random.mix(state)
  }

  /// A float drawn uniformly from [low, high).
  public mutating func uniform(in low: Float, _ high: Float) -> Float {
    low + (high - low) * Float(next() >> 40) * 0x1p-24
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
