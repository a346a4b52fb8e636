import Foundation

extension PESQ {
  /// The result of the perceptual model for one frame.
  package struct FrameComparison {
    /// The clipped gain that raises or lowers the degraded frame to the reference's level.
    package var gain = 1.0
    /// The reference's audible power, after compensation.
    package var referencePower = 0.0
    /// Loudness of the reference, summed over the audible bands.
    package var referenceLoudness = 0.0
    /// Loudness of the degraded signal, summed over the audible bands.
    package var degradedLoudness = 0.0
    /// The disturbance to which added and missing components contribute alike.
    package var symmetric = 0.0
    /// The disturbance in which added components weigh more than missing ones.
    package var asymmetric = 0.0
  }

  /// The perceptual model, which compares frames in order because its gain follows the levels from
  /// one frame to the next.
  ///
  /// Source: P.862, 10.2: compensation of time-varying gain, disturbance densities, asymmetry.
  struct DisturbanceModel {
    private let bands: Bands
    private let loudness: LoudnessModel
    private let totalWidth: Double
    /// Gain of the previous frame before clipping.
    private var previousGain = 1.0

    init(bands: Bands) {
      self.bands = bands
      loudness = LoudnessModel(bands: bands)
      totalWidth = Bands.audible.reduce(0) { $0 + bands.widths[$1] }
    }

    /// Resets the gain, as before the first frame.
    mutating func restart() { previousGain = 1 }

    /// Compares one frame; `reference` is already compensated.
    mutating func compare(
      frame: Int, reference: BandPowers, degraded: BandPowers
    ) -> FrameComparison {
      var result = FrameComparison()
      result.referencePower = reference.audiblePower(ofFrame: frame, above: 1, bands: bands)
      let degradedPower = degraded.audiblePower(ofFrame: frame, above: 1, bands: bands)
      // 5000 keeps the gain near 1 in silence; a first-order low-pass smooths it over the frames.
      var gain = (result.referencePower + 5000) / (degradedPower + 5000)
      if frame > 0 { gain = 0.2 * previousGain + 0.8 * gain }
      previousGain = gain
      gain = min(max(gain, 3e-4), 5)
      result.gain = gain

      var squares = 0.0
      for band in Bands.audible {
        let width = bands.widths[band]
        let referencePower = reference[frame, band]
        let degradedPower = gain * degraded[frame, band]
        let referenceLoudness = loudness.loudness(ofPower: referencePower, inBand: band)
        let degradedLoudness = loudness.loudness(ofPower: degradedPower, inBand: band)
        result.referenceLoudness += referenceLoudness * width
        result.degradedLoudness += degradedLoudness * width

        // A quarter of the softer sound masks the difference.
        let difference = abs(degradedLoudness - referenceLoudness)
        let audible =
          max(0, difference - 0.25 * min(degradedLoudness, referenceLoudness)) * width
        guard audible > 0 else { continue }
        squares += audible * audible
        result.asymmetric += audible * Self.asymmetry(of: degradedPower, to: referencePower)
      }
      result.symmetric = totalWidth * (squares / totalWidth).squareRoot()
      return result
    }

    /// Asymmetry factor by which an added component disturbs more than a missing one: `((degraded +
    /// 50) / (reference + 50))^1.2`, at most 12, and 0 where it is below 3 (P.862, 10.2).
    private static func asymmetry(of degraded: Double, to reference: Double) -> Double {
      let ratio = (degraded + 50) / (reference + 50)
      // Most factors are below 3 and need no power function: 2.4^1.2 is 2.86.
      guard ratio > 2.4 else { return 0 }
      let factor = pow(ratio, 1.2)
      return factor < 3 ? 0 : min(factor, 12)
    }
  }
}
