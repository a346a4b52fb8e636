import Audio
import Files
import Foundation
import Testing
import TestSupport

/// Measured properties of the resampler's filter; docs/data.md states these figures.
@Suite(.enabled(if: hasResampler, "needs libsoxr0"))
struct ResamplerTests {
  /// Number of taps of the response at 48 kHz that are measured on each side of the middle.
  private static let reach = 1200

  /// The impulse response from 48 to 16 kHz at the rate of the source; the output of each of three
  /// impulses at neighbouring samples gives every third value.
  private func response(_ quality: Resampler.Quality) throws -> [Double] {
    let resampler = try Resampler(quality)
    let centre = 24_000
    var response = [Double](repeating: 0, count: 2 * Self.reach + 1)
    for phase in 0..<3 {
      var impulse = [Float](repeating: 0, count: 48_000)
      impulse[centre + phase] = 1
      let output = try resampler.resample(
        Waveform(samples: impulse, sampleRate: 48_000), to: 16_000, path: "impulse")
      for (m, value) in output.enumerated() {
        let tap = 3 * m - centre - phase + Self.reach
        if response.indices.contains(tap) { response[tap] += Double(value) }
      }
    }
    return response
  }

  /// Gain at a frequency in dB. The factor compensates that the output has a third of the samples.
  private func gain(_ response: [Double], _ hertz: Double) -> Double {
    let step = 2 * Double.pi * hertz / 48_000
    let (re, im) = response.enumerated().reduce((0.0, 0.0)) { sum, tap in
      let angle = step * Double(tap.offset - Self.reach)
      return (sum.0 + tap.element * cos(angle), sum.1 - tap.element * sin(angle))
    }
    return 20 * log10(max((re * re + im * im).squareRoot(), 1e-15))
  }

  /// The first frequency, in steps of 1 Hz, whose gain is below `decibels`.
  private func edge(_ response: [Double], _ decibels: Double) -> Double {
    var (low, high) = (1000.0, 9000.0)
    while high - low > 0.5 {
      let middle = (low + high) / 2
      if gain(response, middle) < decibels { high = middle } else { low = middle }
    }
    return high
  }

  @Test func highQualityHasTheDocumentedResponse() throws {
    let response = try response(.high)
    #expect(abs(edge(response, -0.1) - 7448) < 2)
    #expect(abs(edge(response, -3) - 7603) < 2)
    #expect(abs(edge(response, -100) - 7984) < 3)
    let passband = stride(from: 0.0, through: 7200, by: 25).map { abs(gain(response, $0)) }
    #expect((passband.max() ?? 1) < 1e-3, "\(passband.max() ?? 1) dB")
    let stopband = stride(from: 8000.0, through: 24_000, by: 7).map { gain(response, $0) }
    #expect((stopband.max() ?? 0) < -127, "\(stopband.max() ?? 0) dB")
  }

  @Test func filterIsSymmetricWithoutDelay() throws {
    let response = try response(.high)
    let peak = try #require(response.indices.max { response[$0] < response[$1] })
    #expect(peak == Self.reach)
    let asymmetry = zip(response, response.reversed()).map { abs($0 - $1) }.max() ?? 1
    #expect(asymmetry < 1e-7, "\(asymmetry)")
    // The filter has 563 taps, 5.9 ms on either side.
    let support = response.indices.filter { abs(response[$0]) > 1e-7 }
    #expect(support.first == Self.reach - 281 && support.last == Self.reach + 281)
  }

  @Test func lowQualityHasTheDocumentedResponse() throws {
    let response = try response(.low)
    #expect(abs(edge(response, -0.1) - 5855) < 3)
    #expect(abs(edge(response, -3) - 6487) < 3)
  }
}
