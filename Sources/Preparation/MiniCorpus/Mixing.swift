import Audio
import Foundation

/// Adds noise to clean speech at a signal-to-noise ratio.
package enum Mixing {
  /// Largest magnitude of a mixture, above which clean and noisy samples are attenuated together.
  static let ceiling: Float = 0.98

  /// Returns `clean` and `clean + gain · noise`, both scaled alike if the mixture would clip.
  ///
  /// The ratio `decibels` is that of the active speech level (`SpeechLevel.activePower`) to the
  /// mean power of the noise. Both signals have equal lengths, and neither may be silent.
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
