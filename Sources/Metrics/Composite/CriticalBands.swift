import Foundation

/// The 25 critical-band filters of WSS, as weights of the bins of a 1024-point transform at 16 kHz.
package struct CriticalBands {
  /// Number of bands.
  package static let count = centers.count
  /// Centre of each band, in hertz.
  package static let centers = [
    50, 120, 190, 260, 330, 400, 470, 540, 617.372, 703.378, 798.717, 904.128, 1020.38, 1148.30,
    1288.72, 1442.54, 1610.70, 1794.16, 1993.93, 2211.08, 2446.71, 2701.97, 2978.04, 3276.17,
    3597.63,
  ]
  /// Width of each band, in hertz.
  package static let widths = [
    70, 70, 70, 70, 70, 70, 70, 77.3724, 86.0056, 95.3398, 105.411, 116.256, 127.914, 140.423,
    153.823, 168.154, 183.457, 199.776, 217.153, 235.631, 255.255, 276.072, 298.126, 321.465,
    346.136,
  ]
  /// Number of bins below half the sample rate.
  package static let binCount = 512

  /// One band: bin `first + i` has the weight `weights[i]`.
  package struct Band {
    package let first: Int
    package let weights: [Double]
  }

  /// The filters.
  package let bands: [Band]

  /// Computes the weights `exp(−11 ((j − ⌊f⌋) / b)² + ln(70 / width))` of bin j, with centre f and
  /// width b in bins; weights up to exp(−30 / 4.606) become 0.
  package init() {
    let bins = Double(Self.binCount) / (Double(SignalPair.sampleRate) / 2)
    let least = exp(-30 / (2 * 2.303))
    bands = zip(Self.centers, Self.widths).map { center, width in
      let middle = (center * bins).rounded(.down)
      let weights = (0..<Self.binCount).map { bin -> Double in
        let distance = (Double(bin) - middle) / (width * bins)
        let weight = exp(-11 * distance * distance + log(Self.widths[0] / width))
        return weight > least ? weight : 0
      }
      let first = weights.firstIndex { $0 > 0 } ?? 0
      let last = weights.lastIndex { $0 > 0 } ?? 0
      return Band(first: first, weights: Array(weights[first...last]))
    }
  }

  /// Writes each band's energy in decibels, at least −100, to `energies[25]`, from the power
  /// spectrum `power[512]`.
  package func measure(_ power: UnsafePointer<Double>, into energies: inout [Double]) {
    for (index, band) in bands.enumerated() {
      let sum = band.weights.withUnsafeBufferPointer { weights in
        weights.baseAddress.map { dot($0, power + band.first, count: weights.count) } ?? 0
      }
      energies[index] = 10 * log10(max(sum, 1e-10))
    }
  }
}
