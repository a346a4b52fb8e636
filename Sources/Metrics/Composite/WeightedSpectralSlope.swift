import Audio

/// The weighted spectral slope distance. Keeps filters and transform from one utterance to the
/// next; one thread at a time. Source: Klatt 1982, with the constants of Hu and Loizou 2008.
package final class WeightedSpectralSlope {
  private let bands = CriticalBands()
  private let spectrum = PowerSpectrum(length: 2 * CriticalBands.binCount)
  private var clean = SpectralSlopes()
  private var degraded = SpectralSlopes()

  /// Computes the filters and plans the transform.
  package init() {}

  /// Mean over the lowest 95% of frames of `Σ W (s_c − s_d)² / Σ W`: the slopes s between
  /// neighbouring bands in decibels, and W the mean of both signals' weights.
  package func distance(_ pair: SignalPair) throws(MetricError) -> Double {
    let frameCount = try QualityFrames.count(sampleCount: pair.count)
    var distances: [Double] = []
    distances.reserveCapacity(frameCount)
    for frame in 0..<frameCount {
      analyse(frame, of: pair.reference, into: &clean)
      analyse(frame, of: pair.degraded, into: &degraded)
      distances.append(clean.distance(to: degraded))
    }
    return QualityFrames.trimmedMean(&distances, frameCount: frameCount)
  }

  private func analyse(_ frame: Int, of signal: [Double], into slopes: inout SpectralSlopes) {
    QualityFrames.write(frame, of: signal, to: spectrum.time)
    // The usual tool divides samples in ±1 once more by 32768, and all published values contain
    // that: through the floor of the band energies it nearly halves the distance of noisy speech.
    for n in 0..<QualityFrames.length { spectrum.time[n] /= 32_768 }
    spectrum.transform()
    bands.measure(spectrum.power, into: &slopes.energies)
    slopes.weigh()
  }
}

/// One frame's band energies, what they rise from band to band, and how much that matters.
package struct SpectralSlopes {
  /// Decibels in each band.
  package var energies = [Double](repeating: 0, count: CriticalBands.count)
  /// From each band to the next, in decibels.
  package private(set) var slopes = [Double](repeating: 0, count: CriticalBands.count - 1)
  /// Weight of each slope.
  package private(set) var weights = [Double](repeating: 0, count: CriticalBands.count - 1)

  /// A frame of zeros.
  package init() {}

  /// Computes slopes and weights from the energies: bands near the loudest of all and near a peak
  /// of their own count most.
  package mutating func weigh() {
    var loudest = energies[0]
    for energy in energies { loudest = max(loudest, energy) }
    for i in slopes.indices { slopes[i] = energies[i + 1] - energies[i] }
    for i in slopes.indices {
      weights[i] =
        20 / (20 + loudest - energies[i]) / (1 + energies[nearestPeak(i)] - energies[i])
    }
  }

  /// The peak that `band` is a slope of. Where the energy rises from `band` on, the band before the
  /// one where it stops to rise, which is a convention of the usual tool; else the top downwards.
  private func nearestPeak(_ band: Int) -> Int {
    var n = band
    if slopes[band] > 0 {
      while n < slopes.count && slopes[n] > 0 { n += 1 }
      return n - 1
    }
    while n >= 0 && slopes[n] <= 0 { n -= 1 }
    return n + 1
  }

  /// The distance to another frame.
  package func distance(to other: SpectralSlopes) -> Double {
    var (sum, total) = (0.0, 0.0)
    for i in slopes.indices {
      let weight = (weights[i] + other.weights[i]) / 2
      let difference = slopes[i] - other.slopes[i]
      sum += weight * difference * difference
      total += weight
    }
    return sum / total
  }
}
