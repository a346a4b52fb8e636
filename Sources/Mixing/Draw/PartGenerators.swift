import Files

/// Generators of one item of an epoch, one for each part of the item, by its label.
struct PartGenerators {
  private let epochSeed: UInt64
  private let index: Int

  /// The generators of the item `index` of `epoch`.
  init(seed: UInt64, epoch: Int, index: Int) {
    epochSeed = Self.epochSeed(seed: seed, epoch: epoch)
    self.index = index
  }

  subscript(part: String) -> SplitMix64 {
    SplitMix64(seed: epochSeed, label: "mix/\(index)/\(part)")
  }

  /// The seed from which all of an epoch is drawn.
  static func epochSeed(seed: UInt64, epoch: Int) -> UInt64 {
    var generator = SplitMix64(seed: seed, stream: UInt64(epoch))
    return generator.next()
  }
}

extension SplitMix64 {
  /// A number drawn uniformly from `range`, always with one draw: a + (b − a)·u.
  mutating func range(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  /// A number from 0 with the probability of its weight; one weight must be positive.
  mutating func pick(_ weights: [Double]) -> Int {
    let u = uniform() * weights.reduce(0, +)
    var sum = 0.0
    for (number, weight) in weights.enumerated() {
      sum += weight
      if u < sum { return number }
    }
    // Rounding can leave u at the sum.
    guard let last = weights.lastIndex(where: { $0 > 0 }) else {
      preconditionFailure("SplitMix64.pick: no positive weight in \(weights)")
    }
    return last
  }
}
