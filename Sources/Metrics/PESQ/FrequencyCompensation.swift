extension PESQ {
  /// How far the reference is moved towards the degraded signal's long-term spectrum before the
  /// two are compared: a linear filter in the path is heard less than it measures.
  package struct FrequencyCompensation {
    /// Whether each frame of the reference is too quiet to count.
    package let isSilent: [Bool]
    /// Power ratio per band, 0.01 to 100.
    package let factors: [Double]

    init(reference: BandPowers, degraded: BandPowers, frames: FrameRange, bands: Bands) {
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
        return min(max((mean(degraded) + 1000) / (mean(reference) + 1000), 0.01), 100)
      }
    }

    /// Multiplies every frame by the factors.
    func apply(to reference: inout BandPowers, frames: FrameRange) {
      for frame in frames.analysed {
        for band in 0..<Bands.count { reference[frame, band] *= factors[band] }
      }
    }
  }
}
