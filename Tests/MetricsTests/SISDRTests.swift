import Foundation
import Metrics
import Testing

@Suite struct SISDRTests {
  @Test(arguments: try GoldenCase.all())
  func agreesWithTheFormulaInDoublePrecision(_ pair: GoldenCase) throws {
    let (reference, degraded) = try pair.signals()
    let value = try siSDR(reference: reference, degraded: degraded)
    if let expected = pair.siSDR {
      #expect(abs(value - expected) < 1e-6, "\(value) for \(expected)")
    } else {
      #expect(value == .infinity)
    }
  }

  @Test func knownMixture() throws {
    // Two orthogonal square waves, the second with a tenth of the amplitude: 20 dB.
    let a: [Float] = (0..<4_000).map { $0 % 2 == 0 ? 1 : -1 }
    let b: [Float] = (0..<4_000).map { $0 % 4 < 2 ? 1 : -1 }
    let mixture = zip(a, b).map { 0.5 * ($0 + 0.1 * $1) + 3 }
    #expect(abs(try siSDR(reference: a, degraded: mixture) - 20) < 1e-5)
    #expect(try siSDR(reference: a, degraded: b) == -.infinity)
    #expect(try siSDR(reference: a, degraded: a.map { -2 * $0 + 0.5 }) == .infinity)
  }

  @Test func cutsToTheShorter() throws {
    let (reference, degraded) = try GoldenCase.named("g01").signals()
    let short = Array(degraded[..<30_000])
    let expected = try siSDR(reference: Array(reference[..<30_000]), degraded: short)
    #expect(try siSDR(reference: reference, degraded: short) == expected)
    #expect(
      try siSDR(reference: Array(reference[..<30_000]), degraded: degraded) == expected)
  }

  @Test func errors() {
    let signal: [Float] = [0.5, -0.25, 0.125]
    #expect(throws: SISDRError.empty) { try siSDR(reference: [], degraded: signal) }
    #expect(throws: SISDRError.empty) { try siSDR(reference: signal, degraded: []) }
    #expect(throws: SISDRError.nonFiniteSample(index: 1)) {
      try siSDR(reference: signal, degraded: [0, .nan, 1])
    }
    #expect(throws: SISDRError.nonFiniteSample(index: 2)) {
      try siSDR(reference: [0, 1, .infinity], degraded: signal)
    }
    #expect(throws: SISDRError.silentReference) {
      try siSDR(reference: [0.1, 0.1, 0.1], degraded: signal)
    }
    #expect(throws: SISDRError.silentDegraded) {
      try siSDR(reference: signal, degraded: [0, 0, 0])
    }
  }
}
