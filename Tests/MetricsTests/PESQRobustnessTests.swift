import Foundation
import Metrics
import Testing
import TestSupport

/// Checks that any input yields a score in range or a documented error, and never a trap.
@Suite struct PESQRobustnessTests {
  /// The score, or nil for a documented error.
  @discardableResult
  private func score(
    _ reference: [Float], _ degraded: [Float], _ scorer: PESQ.Scorer = PESQ.Scorer(),
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> Double? {
    do {
      let score = try scorer.wideBand(
        reference: reference, degraded: degraded, sampleRate: 16_000)
      #expect(score > 0.999 && score < 4.65, "\(score)", sourceLocation: sourceLocation)
      return score
    } catch {
      return nil
    }
  }

  @Test func differentLengths() throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    let whole = try #require(score(reference, degraded))
    for count in [4_000, 20_001, 63_999] {
      score(reference, Array(degraded[..<count]))
      score(Array(reference[..<count]), degraded)
      score(reference, Array(degraded[(degraded.count - count)...]))
    }
    // Silence after the end hardly changes the score.
    let longer = try #require(score(reference, degraded + [Float](repeating: 0, count: 5_000)))
    #expect(abs(longer - whole) < 0.05)
  }

  @Test func silenceAtTheEnds() throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    let whole = try #require(score(reference, degraded))
    let silence = [Float](repeating: 0, count: 24_000)
    let padded = try #require(score(silence + reference + silence, silence + degraded + silence))
    #expect(abs(padded - whole) < 0.2)
  }

  @Test func offsetsHardlyChangeTheScore() throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    let whole = try #require(score(reference, degraded))
    let shifted = try #require(score(reference, degraded.map { $0 + 0.1 }))
    #expect(abs(shifted - whole) < 0.3)
  }

  @Test func clippingAndNoiseLowerTheScore() throws {
    let (reference, _) = try GoldenCase.named("g05").signals()
    let clipped = try #require(
      score(reference, reference.map { min(max(20 * $0, -1), 1) }))
    #expect(clipped < 4)
    var generator = SeededGenerator(seed: 8)
    let noise = try #require(score(reference, generator.noise(reference.count, amplitude: 1)))
    #expect(noise < 1.5)
  }

  @Test func signalsThatAreNotSpeech() throws {
    let (speech, _) = try GoldenCase.named("g03").signals()
    let count = speech.count
    var generator = SeededGenerator(seed: 1)
    func impulse(_ position: Int) -> [Float] {
      var signal = [Float](repeating: 0, count: count)
      signal[position] = 1
      return signal
    }
    func tone(_ hertz: Float) -> [Float] {
      (0..<count).map { sin(2 * .pi * hertz * Float($0) / 16_000) }
    }
    let signals: [[Float]] = [
      impulse(0), impulse(count / 2), impulse(count - 1), impulse(14_080),
      [Float](repeating: 1, count: count), [Float](repeating: -3e38, count: count),
      [Float](repeating: .leastNonzeroMagnitude, count: count),
      tone(2), tone(1_000), tone(7_999), generator.noise(count), generator.noise(4_000),
      (0..<count).map { $0 % 2 == 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude },
      (0..<count).map { Float($0) / Float(count) }, speech.map { 1e-38 * $0 }, speech.reversed(),
    ]
    let scorer = PESQ.Scorer()
    for signal in signals {
      score(speech, signal, scorer)
      score(signal, speech, scorer)
      score(signal, signal, scorer)
    }
    for (signal, other) in zip(signals, signals.dropFirst()) { score(signal, other, scorer) }
  }

  @Test func delaysNearTheEdges() throws {
    let (speech, _) = try GoldenCase.named("g03").signals()
    let scorer = PESQ.Scorer()
    let burst = Array(speech[12_000..<20_000])
    for length in [8_001, 12_345, 40_000] {
      for position in [0, 1, length - 8_000] {
        let silence = [Float](repeating: 0, count: length)
        var early = silence
        var late = silence
        early.replaceSubrange(position..<position + 8_000, with: burst)
        late.replaceSubrange(length - 8_000 - position..<length - position, with: burst)
        score(early, late, scorer)
        score(late, early, scorer)
        score(early, burst, scorer)
        score(burst, late, scorer)
      }
    }
  }

  @Test func randomPairs() throws {
    let sources = try GoldenCase.all().map { try $0.signals() }
    var generator = SeededGenerator(seed: 20)
    let scorer = PESQ.Scorer()
    var scores: [Double] = []
    for _ in 0..<400 {
      let source = sources.randomElement(using: &generator) ?? sources[0]
      let reference = excerpt(of: source.reference, using: &generator)
      var degraded: [Float]
      if Bool.random(using: &generator) {
        degraded = excerpt(of: source.degraded, using: &generator)
      } else {
        degraded = reference
        for i in degraded.indices {
          degraded[i] += 0.01 * Float.random(in: -1...1, using: &generator)
        }
      }
      edit(&degraded, using: &generator)
      if let score = score(reference, degraded, scorer) { scores.append(score) }
    }
    #expect(scores.count > 200, "\(scores.count) of 400 scored")
  }

  private func excerpt(of signal: [Float], using generator: inout SeededGenerator) -> [Float] {
    let count = Int.random(in: 4_000...20_000, using: &generator)
    let start = Int.random(in: 0...signal.count - count, using: &generator)
    return Array(signal[start..<start + count])
  }

  /// Deletes, inserts and silences stretches, and keeps the signal long enough.
  private func edit(_ signal: inout [Float], using generator: inout SeededGenerator) {
    for _ in 0..<Int.random(in: 0...4, using: &generator) {
      let start = Int.random(in: 0..<signal.count, using: &generator)
      let count = Int.random(in: 1...6_000, using: &generator)
      let end = min(start + count, signal.count)
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: signal.removeSubrange(start..<max(start, min(end, start + signal.count - 4_000)))
      case 1: signal.insert(contentsOf: [Float](repeating: 0, count: count), at: start)
      case 2: signal.insert(contentsOf: generator.noise(count, amplitude: 0.5), at: start)
      default: for i in start..<end { signal[i] = 0 }
      }
    }
  }
}
