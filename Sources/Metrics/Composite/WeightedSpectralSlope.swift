import Audio

/// The weighted spectral slope distance. Reuses filters and transform from one utterance to the
/// next, so an instance serves one thread at a time. Source: Klatt 1982, with the constants of Hu
/// and Loizou 2008.
package final class WeightedSpectralSlope {
  private let bands = CriticalBands()
  private let spectrum = PowerSpectrum(length: 2 * CriticalBands.binCount)
  private var clean = SpectralSlopes()
  private var degraded = SpectralSlopes()

  /// Computes the filters and plans the transform.
  package init() {}

  /// Mean of `Σ W (s_c − s_d)² / Σ W` over the lowest 95% of frames, with the slopes s between
  /// neighbouring bands in decibels, and W the mean of both signals' weights.
  ///
  /// - Throws: `MetricError.tooShort` for signals without a frame.
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
    // The usual tool divides samples in ±1 once more by 32768, and so do all published values.
    // Through the floor of the band energies the division nearly halves the distance of noisy
    // speech.
    for n in 0..<QualityFrames.length { spectrum.time[n] /= 32_768 }
    spectrum.transform()
    bands.measure(spectrum.power, into: &slopes.energies)
    slopes.weigh()
  }
}

/// The band energies of one frame, their slopes from band to band, and the weights of the slopes.
package struct SpectralSlopes {
  /// Energy of each band, in decibels.
  package var energies = [Double](repeating: 0, count: CriticalBands.count)
  /// Rise of the energy from each band to the next, in decibels.
  package private(set) var slopes = [Double](repeating: 0, count: CriticalBands.count - 1)
  /// Weight of each slope.
  package private(set) var weights = [Double](repeating: 0, count: CriticalBands.count - 1)

  /// A frame of zeros.
  package init() {}

  /// Computes slopes and weights from the energies. Bands near the loudest band, and near the peak
  /// that they belong to, have the largest weights.
  package mutating func weigh() {
    var loudest = energies[0]
    for energy in energies { loudest = max(loudest, energy) }
    for i in slopes.indices { slopes[i] = energies[i + 1] - energies[i] }
    for i in slopes.indices {
      weights[i] =
        20 / (20 + loudest - energies[i]) / (1 + energies[nearestPeak(i)] - energies[i])
    }
  }

  /// The spectral peak that `band` is a slope of. Where the energy rises from `band` upwards, the
  /// result is the band below the peak, which is a convention of the usual tool; where the energy
  /// falls, the peak at or below `band`.
  private func nearestPeak(_ band: Int) -> Int {
    var n = band
    if slopes[band] > 0 {
      while n < slopes.count && slopes[n] > 0 { n += 1 }
      return n - 1
    }
    while n >= 0 && slopes[n] <= 0 { n -= 1 }
    return n + 1
  }

  /// Weighted distance between the slopes of two frames.
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
