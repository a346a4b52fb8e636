import Metrics
import Testing
import TestSupport

@Suite struct PESQErrorTests {
  private func speech() throws -> [Float] {
    try GoldenCase.named("g03").signals().reference
  }

  private func expect(
    _ error: PESQError, reference: [Float], degraded: [Float], sampleRate: Int = 16_000,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(throws: error, sourceLocation: sourceLocation) {
      try PESQ.wideBand(reference: reference, degraded: degraded, sampleRate: sampleRate)
    }
  }

  @Test(arguments: [0, 8_000, 15_999, 16_001, 48_000]) func otherSampleRates(_ rate: Int) throws {
    let speech = try speech()
    expect(
      .unsupportedSampleRate(rate), reference: speech, degraded: speech, sampleRate: rate)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity, .signalingNaN])
  func nonFiniteSamples(_ value: Float) throws {
    let speech = try speech()
    var broken = speech
    broken[77] = value
    expect(.nonFiniteSample(.reference, index: 77), reference: broken, degraded: speech)
    expect(.nonFiniteSample(.degraded, index: 77), reference: speech, degraded: broken)
    broken = speech
    broken[broken.count - 1] = value
    expect(
      .nonFiniteSample(.degraded, index: broken.count - 1), reference: speech, degraded: broken)
  }

  @Test(arguments: [0, 1, 3_999]) func tooShort(_ count: Int) throws {
    let speech = try speech()
    let short = Array(speech[10_000..<10_000 + count])
    expect(.tooShort(.reference, sampleCount: count), reference: short, degraded: speech)
    expect(.tooShort(.degraded, sampleCount: count), reference: speech, degraded: short)
  }

  @Test func quarterOfASecondIsEnough() throws {
    let speech = try speech()
    let loudest = try #require(
      stride(from: 0, to: speech.count - 4_000, by: 500).max { a, b in
        speech[a..<a + 4_000].reduce(0) { $0 + $1 * $1 }
          < speech[b..<b + 4_000].reduce(0) { $0 + $1 * $1 }
      })
    let short = Array(speech[loudest..<loudest + 4_000])
    let score = try PESQ.wideBand(reference: short, degraded: short, sampleRate: 16_000)
    #expect(abs(score - 4.6439) < 1e-4)
  }

  @Test func silence() throws {
    let speech = try speech()
    let silence = [Float](repeating: 0, count: speech.count)
    expect(.silentReference, reference: silence, degraded: speech)
    expect(.silentDegraded, reference: speech, degraded: silence)
    expect(.silentReference, reference: silence, degraded: silence)
    // A signal so soft beside the other that it becomes zero at their common scale.
    let vanishing = speech.map { $0 == 0 ? 0 : Float.leastNonzeroMagnitude }
    expect(.silentDegraded, reference: speech.map { $0 * 1e30 }, degraded: vanishing)
  }

  @Test func noUtterance() throws {
    // 100 ms of sound: an active run, but shorter than the 200 ms of an utterance.
    var generator = SeededGenerator(seed: 4)
    var burst = [Float](repeating: 0, count: 16_000)
    burst.replaceSubrange(8_000..<9_600, with: generator.noise(1_600))
    expect(.noUtterance, reference: burst, degraded: burst)
  }

  @Test func descriptionsAreSentences() {
    let errors: [PESQError] = [
      .unsupportedSampleRate(8_000), .nonFiniteSample(.degraded, index: 3),
      .tooShort(.reference, sampleCount: 12), .silentReference, .silentDegraded, .noUtterance,
    ]
    #expect("\(errors[0])".contains("8000 Hz"))
    #expect("\(errors[1])".contains("degraded") && "\(errors[1])".contains("sample 3"))
    #expect("\(errors[2])".contains("reference") && "\(errors[2])".contains("12 samples"))
    #expect(Set(errors.map { "\($0)" }).count == errors.count)
  }
}
