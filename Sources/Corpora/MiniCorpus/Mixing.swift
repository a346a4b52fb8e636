import Foundation

/// Adds noise to clean speech at a signal-to-noise ratio.
package enum Mixing {
  /// Largest magnitude of a mixture; above it clean and noisy are turned down together.
  static let ceiling: Float = 0.98

  /// `clean` and `clean + gain · noise`, both scaled alike if the mixture would clip.
  ///
  /// The ratio in dB is that of the active speech level (`SpeechLevel.activePower`) to the mean
  /// power of the noise. Neither may be silent; lengths are equal.
  package static func mix(
    clean: [Float], noise: [Float], decibels: Double
  ) -> (clean: [Float], noisy: [Float]) {
    precondition(
      clean.count == noise.count,
      "Mixing.mix: \(clean.count) samples of speech, \(noise.count) of noise")
    let (speechPower, noisePower) = (SpeechLevel.activePower(clean), meanSquare(noise))
    precondition(
      speechPower > 0 && noisePower > 0,
      "Mixing.mix: powers \(speechPower) of speech, \(noisePower) of noise")
    let gain = Float((speechPower / noisePower * pow(10, -decibels / 10)).squareRoot())
    let noisy = zip(clean, noise).map { $0 + gain * $1 }
    let peak = noisy.reduce(0) { max($0, abs($1)) }
    if peak <= ceiling { return (clean, noisy) }
    let scale = ceiling / peak
    return (clean.map { $0 * scale }, noisy.map { $0 * scale })
  }
}
