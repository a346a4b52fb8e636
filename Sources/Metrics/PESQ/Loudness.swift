import Foundation

extension PESQ {
  /// Zwicker's law, which gives the loudness of a critical band, in sone per Bark, from its power P
  /// and the hearing threshold P0: `scale · (P0 / 0.5)^γ · ((0.5 + 0.5 P / P0)^γ − 1)`.
  ///
  /// Source: P.862, 10.2: loudness densities.
  struct LoudnessModel {
    /// The loudness scaling factor of P.862, 10.2, at 16 kHz.
    private static let scale = 0.1866055
    private let exponents: [Double]
    private let factors: [Double]
    private let thresholds: [Double]

    init(bands: Bands) {
      let exponents = bands.centres.map { centre in
        // Zwicker's exponent is 0.23; below 4 Bark the law is steeper.
        0.23 * pow(centre < 4 ? min(6 / (centre + 2), 2) : 1, 0.15)
      }
      self.exponents = exponents
      factors = zip(bands.thresholds, exponents).map { Self.scale * pow($0 / 0.5, $1) }
      thresholds = bands.thresholds
    }

    /// The loudness of `power` in a band; 0 at and below the threshold of hearing.
    func loudness(ofPower power: Double, inBand band: Int) -> Double {
      let threshold = thresholds[band]
      guard power > threshold else { return 0 }
      return factors[band] * (pow(0.5 + 0.5 * power / threshold, exponents[band]) - 1)
    }
  }
}
