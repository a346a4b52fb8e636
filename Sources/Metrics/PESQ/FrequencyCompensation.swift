extension PESQ {
  /// The compensation of a linear filter in the path: the reference's band powers are moved towards
  /// the long-term spectrum of the degraded signal, because listeners notice a filter less than a
  /// comparison of spectra would.
  ///
  /// Source: P.862, 10.2: partial compensation of the original for the transfer function.
  package struct FrequencyCompensation {
    /// Whether each frame of the reference is too quiet to count.
    package let isSilent: [Bool]
    /// Power ratio of each band, clipped to 0.01…100 (±20 dB).
    package let factors: [Double]

    init(reference: BandPowers, degraded: BandPowers, frames: FrameRange, bands: Bands) {
      // A frame is silent if its bands 20 dB above the threshold of hearing have a power below 1e7.
      let silent = frames.analysed.map {
        reference.audiblePower(ofFrame: $0, above: 100, bands: bands) < 1e7
      }
      isSilent = silent
      factors = (0..<Bands.count).map { band in
        let limit = 100 * bands.thresholds[band]
        func mean(_ powers: BandPowers) -> Double {
          var sum = 0.0
          for frame in frames.analysed where !silent[frame] && powers[frame, band] > limit {
            sum += powers[frame, band]
          }
          return sum / Double(frames.total)
        }
        // 1000 keeps the ratio of near-silent bands near 1.
        return min(max((mean(degraded) + 1000) / (mean(reference) + 1000), 0.01), 100)
      }
    }

    /// Multiplies the band powers of every frame by the factors.
    func apply(to reference: inout BandPowers, frames: FrameRange) {
      for frame in frames.analysed {
        for band in 0..<Bands.count { reference[frame, band] *= factors[band] }
      }
    }
  }
}
