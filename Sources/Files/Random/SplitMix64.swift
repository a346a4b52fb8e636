import Foundation

/// The SplitMix64 generator (Steele, Lea, Flood 2014) with 64 bits of state, for which any seed is
/// good.
///
/// Draws are defined here rather than by the standard library, whose algorithms may change: the
/// order of an epoch must not depend on the compiler.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator for `seed`.
  package init(seed: UInt64) { state = seed }

  /// A generator for `seed` and a label; different labels give unrelated numbers.
  package init(seed: UInt64, label: String) {
    self.init(seed: seed, stream: FNV1a.hash(label.utf8))
  }

  /// A generator for `seed` and the number of a stream.
  package init(seed: UInt64, stream: UInt64) {
    var seeds = SplitMix64(seed: seed)
    var streams = SplitMix64(seed: stream ^ seeds.next())
    state = streams.next()
  }

  /// The next 64 random bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// The output for a state: a bijection of 64 bits of which each depends on all.
  package static func mix(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A random integer in 0..<bound with a uniform distribution.
  package mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "SplitMix64.below: bound \(bound)")
    let bound = UInt64(bound)
    // Values below the threshold would make some results likelier, so they are drawn again.
    let threshold = (0 &- bound) % bound
    while true {
      let (high, low) = next().multipliedFullWidth(by: bound)
      if low >= threshold { return Int(high) }
    }
  }

  /// A random number in 0..<1 on a grid of 2^-53.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A standard normal number.
  package mutating func normal() -> Double {
    // The first is never 0.
    let first = 1 - uniform()
    return boxMuller(first, uniform())
  }

  /// The items in random order (Fisher and Yates).
  package mutating func shuffled<Item>(_ items: [Item]) -> [Item] {
    var items = items
    for i in stride(from: items.count - 1, to: 0, by: -1) { items.swapAt(i, below(i + 1)) }
    return items
  }
}

/// A number of the standard normal distribution from two of the uniform one in 0…1, of which the
/// first is not 0: √(−2 ln u) · cos(2πv) (Box and Muller 1958).
func boxMuller(_ u: Double, _ v: Double) -> Double {
  (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
}
