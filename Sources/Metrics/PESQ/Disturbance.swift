import Foundation

extension PESQ {
  /// What the perceptual model finds in one frame.
  package struct FrameComparison {
    /// The gain that brings the degraded frame to the reference's level, clipped.
    package var gain = 1.0
    /// The reference's audible power, after compensation.
    package var referencePower = 0.0
    /// Loudness of the reference, summed over the audible bands.
    package var referenceLoudness = 0.0
    /// Loudness of the degraded signal, summed over the audible bands.
    package var degradedLoudness = 0.0
    /// The disturbance that added and missing components cause alike.
    package var symmetric = 0.0
    /// The disturbance that weighs added components more.
    package var asymmetric = 0.0
  }

  /// Compares frames in order; the gain follows the levels from one frame to the next.
  struct DisturbanceModel {
    private let bands: Bands
    private let loudness: LoudnessModel
    private let totalWidth: Double
    /// The gain of the previous frame before clipping.
    private var previousGain = 1.0

    init(bands: Bands) {
      self.bands = bands
      loudness = LoudnessModel(bands: bands)
      totalWidth = Bands.audible.reduce(0) { $0 + bands.widths[$1] }
    }

    /// Forgets the gain of the frame before.
    mutating func restart() { previousGain = 1 }

    /// Compares one frame; `reference` is already compensated.
    mutating func compare(
      frame: Int, reference: BandPowers, degraded: BandPowers
    ) -> FrameComparison {
      var result = FrameComparison()
      result.referencePower = reference.audiblePower(ofFrame: frame, above: 1, bands: bands)
      let degradedPower = degraded.audiblePower(ofFrame: frame, above: 1, bands: bands)
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

    /// How much more an added component disturbs than a missing one; 0 for a weak one.
    private static func asymmetry(of degraded: Double, to reference: Double) -> Double {
      let ratio = (degraded + 50) / (reference + 50)
      // Most bands end below 3; do not pay for their power function.
      guard ratio > 2.4 else { return 0 }
      let factor = pow(ratio, 1.2)
      return factor < 3 ? 0 : min(factor, 12)
    }
  }
}
