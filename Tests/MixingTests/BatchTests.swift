import Files
import Foundation
import Mixing
import Testing

/// Remix and band mask of batches of pairs.
@Suite struct BatchTests {
  @Test func remixIsAPermutationOfItsBatch() {
    var seen: Set<[Int]> = []
    for batch in 0..<20 {
      let permutation = Remix.permutation(seed: 3, epoch: 1, batch: batch, count: 7)
      #expect(permutation.sorted() == Array(0..<7))
      seen.insert(permutation)
    }
    #expect(seen.count > 15)
    #expect(Remix.permutation(seed: 3, epoch: 1, batch: 0, count: 1) == [0])
    #expect(
      Remix.permutation(seed: 3, epoch: 1, batch: 2, count: 7)
        != Remix.permutation(seed: 3, epoch: 2, batch: 2, count: 7))
  }

  @Test func remixWithItselfIsTheNoisyItem() {
    let clean = noise(300, seed: 1).map { Float($0) }
    let noisy = noise(300, seed: 2).map { Float($0) }
    #expect(Remix.noisy(clean: clean, noiseOf: (clean: clean, noisy: noisy)) == noisy)
  }

  @Test(arguments: [0, 0.01, 0.2, 1]) func widthIsBounded(width: Double) {
    let masks = (0..<300).map { BandMask(seed: 1, epoch: 0, batch: $0, width: width) }
    let widths = masks.map { $0.high - $0.low }
    let most = max(0, Int(120 * width) - 1)
    #expect(widths.allSatisfy { (0...most).contains($0) })
    #expect(masks.allSatisfy { $0.low >= 0 && $0.high <= 119 })
    if width == 0.2 { #expect(widths.max() == most && widths.min() == 0) }
  }

  /// z − H_b∗z + H_a∗z by direct sums, over lengths around that of the filter.
  @Test(arguments: [(1, 16_000), (5, 16_000), (800, 8000), (1601, 22_050), (3000, 48_000)])
  func bandIsRemoved(count: Int, rate: Int) {
    let samples = noise(count, seed: 4).map { Float($0) }
    let removal = BandRemoval(sampleRate: rate)
    for batch in 0..<6 {
      let mask = BandMask(seed: 2, epoch: 0, batch: batch, width: 0.3)
      let own = removal.samples(samples, without: mask)
      if mask.low == mask.high {
        #expect(own == samples)
        continue
      }
      func mel(_ f: Double) -> Double { 2595 * log10(1 + f / 700) }
      func edge(_ number: Int) -> Double {
        let step = (mel(Double(rate) / 2) - mel(40)) / 119
        return 700 * (pow(10, (mel(40) + Double(number) * step) / 2595) - 1) / Double(rate)
      }
      let (a, b) = (edge(mask.low), edge(mask.high))
      let width = Int(2 / a)
      func h(_ c: Double, _ k: Int) -> Double {
        let x = 2 * c * Double(k) * Double.pi
        return 2 * c * (k == 0 ? 1 : sin(x) / x)
          * (0.54 - 0.46 * cos(Double.pi * Double(k + width) / Double(width)))
      }
      let taps = (-width...width).map { h(a, $0) - h(b, $0) }
      for t in stride(from: 0, to: count, by: max(1, count / 40)) {
        var expected = Double(samples[t])
        for k in -width...width where samples.indices.contains(t - k) {
          expected += taps[k + width] * Double(samples[t - k])
        }
        #expect(abs(Double(own[t]) - expected) < 1e-7)
      }
    }
  }

  /// A tone within the band vanishes, others stay.
  @Test func tonesTellTheBand() throws {
    let rate = 16_000
    let (bottom, top) = (2595 * log10(1 + 40 / 700.0), 2595 * log10(1 + 8000 / 700.0))
    func frequency(_ edge: Int) -> Double {
      700 * (pow(10, (bottom + (top - bottom) * Double(edge) / 119) / 2595) - 1)
    }
    // The filter rises over 0.8 times its lower edge.
    let mask = try #require(
      (0..<500).lazy.map { BandMask(seed: 1, epoch: 0, batch: $0, width: 0.8) }.first {
        frequency($0.high) > 4 * frequency($0.low) && $0.low > 10 && frequency($0.high) < 6000
      })
    func level(at frequency: Double) -> Double {
      let tone = (0..<8000).map { Float(sin(2 * .pi * frequency * Double($0) / Double(rate))) }
      let own = BandRemoval(sampleRate: rate).samples(tone, without: mask)[3000..<5000]
      return own.map { Double($0 * $0) }.reduce(0, +) / 2000
    }
    let (low, high) = (frequency(mask.low), frequency(mask.high))
    #expect(level(at: (low + high) / 2) < 1e-4)
    #expect(abs(level(at: low / 4) - 0.5) < 0.02)
    #expect(abs(level(at: high + low) - 0.5) < 0.02)
  }
}
