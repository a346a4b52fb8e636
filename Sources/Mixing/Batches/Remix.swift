import Files

/// The permutation of the noises of a global batch of pairs: item i becomes
/// clean_i + (noisy − clean)_π(i).
package enum Remix {
  /// For each item of the batch number `batch` of `epoch`, the item whose noise it gets.
  package static func permutation(
    seed: UInt64, epoch: Int, batch: Int, count: Int
  ) -> [Int] {
    var generator = SplitMix64(
      seed: PartGenerators.epochSeed(seed: seed, epoch: epoch), label: "remix/\(batch)")
    return generator.shuffled(Array(0..<count))
  }

  /// The noisy samples of an item with the noise of another, clean + (otherNoisy − otherClean).
  package static func noisy(
    clean: [Float], noiseOf other: (clean: [Float], noisy: [Float])
  ) -> [Float] {
    precondition(
      clean.count == other.clean.count && clean.count == other.noisy.count,
      "Remix: crops of \(clean.count), \(other.clean.count) and \(other.noisy.count) samples")
    return clean.indices.map { index in
      let noise = Double(other.noisy[index]) - Double(other.clean[index])
      return Float(Double(clean[index]) + noise)
    }
  }
}
