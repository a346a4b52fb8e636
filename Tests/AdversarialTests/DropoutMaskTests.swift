import Adversarial
import Testing

/// Masks as functions of seed, step, pass and utterance.
@Suite struct DropoutMaskTests {
  private func mask(
    seed: UInt64 = 1, step: Int = 1, pass: AdversarialPass = .clean, utterance: Int = 0,
    count: Int = 64, rate: Double = 0.3
  ) -> [Float] {
    DropoutMask(
      seed: seed, step: step, pass: pass, utterance: utterance, count: count, rate: rate
    ).values
  }

  @Test func aMaskDependsOnAllFourAndOnNothingElse() {
    let all =
      [mask(), mask(seed: 2), mask(step: 2), mask(utterance: 1), mask(step: 11)]
      + AdversarialPass.allCases.filter { $0 != .clean }.map { mask(pass: $0) }
    #expect(Set(all).count == all.count)
    #expect(mask() == mask())
    #expect(mask(count: 100).prefix(64) == mask()[...])
    #expect(all.allSatisfy { $0.allSatisfy { $0 == 0 || $0 == 1 } })
  }

  /// Each unit is dropped as often as it should, whatever the others are, within five standard
  /// deviations of chance.
  @Test(arguments: [0.3, 0.5, 0.05]) func dropsAreUnbiased(rate: Double) {
    let masks = (0..<4000).map { mask(step: $0 / 50, utterance: $0 % 50, count: 16, rate: rate) }
    let deviation = (rate * (1 - rate) / 4000).squareRoot()
    for unit in 0..<16 {
      let dropped = Double(masks.count { $0[unit] == 0 }) / 4000
      #expect(abs(dropped - rate) < 5 * deviation, "unit \(unit)")
    }
    let both = Double(masks.count { $0[0] == 0 && $0[15] == 0 }) / 4000
    let expected = rate * rate
    #expect(abs(both - expected) < 5 * (expected * (1 - expected) / 4000).squareRoot())
  }

  @Test func noneAreDroppedAtARateOfZero() {
    #expect(mask(rate: 0) == [Float](repeating: 1, count: 64))
  }
}
