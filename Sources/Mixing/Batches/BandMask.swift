import Files
import Foundation

/// The band that is removed from all items of a global batch of pairs: from edge `low` to edge
/// `high` of `edgeCount` frequencies, which are evenly spaced in mel from 40 Hz to half the rate.
///
/// Source: Défossez, Synnaeve and Adi 2020, "Real Time Speech Enhancement in the Waveform Domain".
package struct BandMask: Equatable, Sendable {
  /// Number of the edges.
  package static let edgeCount = 120
  private static let lowest = 40.0

  /// Numbers of the edges; equal ones remove nothing.
  package let low: Int
  package let high: Int

  /// The mask of the batch number `batch` of `epoch`; at most the part `width` of all bands, 0 … 1,
  /// is removed.
  package init(seed: UInt64, epoch: Int, batch: Int, width: Double) {
    precondition((0...1).contains(width), "BandMask: width \(width)")
    var generator = SplitMix64(
      seed: PartGenerators.epochSeed(seed: seed, epoch: epoch), label: "bandmask/\(batch)")
    low = generator.below(Self.edgeCount)
    let most = Int((Double(Self.edgeCount) * width).rounded(.down))
    high = low + generator.below(max(1, min(Self.edgeCount - low, most)))
  }

  /// Coefficients for k = −W … W of a filter that removes the band, H_a − H_b + δ: H_c is a
  /// low-pass at the edge c, in cycles a sample, H_c[k] = 2c·sinc(2ck)·(0.54 − 0.46·cos(π(k +
  /// W)/W)), W = ⌊2/a⌋. Nil if nothing is removed.
  func coefficients(sampleRate: Int) -> [Double]? {
    if low == high { return nil }
    let a = Self.edge(low, sampleRate: sampleRate)
    let b = Self.edge(high, sampleRate: sampleRate)
    let width = Int((2 / a).rounded(.down))
    return (-width...width).map { k in
      let window = 0.54 - 0.46 * cos(.pi * Double(k + width) / Double(width))
      func lowPass(_ c: Double) -> Double { 2 * c * sinc(2 * c * Double(k)) * window }
      return lowPass(a) - lowPass(b) + (k == 0 ? 1 : 0)
    }
  }

  /// The edge `number` in cycles a sample.
  private static func edge(_ number: Int, sampleRate: Int) -> Double {
    func mel(_ frequency: Double) -> Double { 2595 * log10(1 + frequency / 700) }
    let (first, last) = (mel(lowest), mel(Double(sampleRate) / 2))
    let own = first + (last - first) * Double(number) / Double(edgeCount - 1)
    return 700 * (pow(10, own / 2595) - 1) / Double(sampleRate)
  }
}

/// Removes the bands of masks from samples. An instance serves one thread at a time.
package final class BandRemoval {
  private let convolution = FastConvolution()
  private let buffer = SampleBuffer()
  private let sampleRate: Int
  private var last: (mask: BandMask, coefficients: [Double]?)?

  /// A removal from samples of `sampleRate` hertz.
  package init(sampleRate: Int) { self.sampleRate = sampleRate }

  /// `samples` without the band of `mask`; zeros stand outside of them. A pair's clean and noisy
  /// samples each lose the band, and so does their difference.
  package func samples(_ samples: [Float], without mask: BandMask) -> [Float] {
    if last?.mask != mask {
      last = (mask, mask.coefficients(sampleRate: sampleRate))
    }
    guard let coefficients = last?.coefficients, !samples.isEmpty else { return samples }
    let signal = buffer.take(samples.count)
    for (index, sample) in samples.enumerated() { signal[index] = Double(sample) }
    convolution.filter(signal.constant, with: coefficients, into: signal)
    return signal.constant.floats
  }
}
