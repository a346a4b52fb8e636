import Files

/// The units of the discriminator's hidden layer that one crop keeps in one pass.
///
/// The mask depends on the run's seed, the step, the pass and the utterance alone: neither on the
/// number of ranks, nor on what was drawn before.
package struct DropoutMask: Equatable, Sendable {
  /// 1 for a unit that is kept, 0 for one that is dropped.
  package let values: [Float]

  /// Mask of `count` units, each dropped with the probability `rate`.
  ///
  /// - Parameters:
  ///   - seed: seed of the run.
  ///   - step: number of the step, from 1.
  ///   - pass: the pass of the discriminator.
  ///   - utterance: index of the utterance in the training split.
  package init(
    seed: UInt64, step: Int, pass: AdversarialPass, utterance: Int, count: Int, rate: Double
  ) {
    var random = Random(
      seed: seed, stream: "discriminator.dropout.\(step).\(pass.rawValue).\(utterance)")
    // 53 bits: the smallest step of a double below 1, so that no value is likelier than it should.
    values = (0..<count).map { _ in Double(random.next() >> 11) * 0x1p-53 < rate ? 0 : 1 }
  }
}

/// A pass of the discriminator within a step.
package enum AdversarialPass: String, CaseIterable, Sendable {
  /// D(clean, estimate) in the generator's loss.
  case generator
  /// D(clean, estimate) in its own loss.
  case estimate
  /// D(clean, clean).
  case clean
  /// D(estimate, noisy).
  case noisy
}
