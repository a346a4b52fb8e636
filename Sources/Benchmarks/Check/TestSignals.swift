import Audio
import Evaluation
import Files
import Foundation
import Models
import Tensor

/// Signals for tests of models; the same in every run.
package enum TestSignals {
  /// A complex spectrum [B, F, T], stored as [B, F, T, 2], uniform in ±1 in both parts.
  package static func spectrum(batch: Int, bins: Int, frames: Int) -> Tensor {
    var random = Random(seed: 1, stream: "spectrum \(batch) \(bins) \(frames)")
    let count = batch * bins * frames * 2
    return Tensor(
      shape: [batch, bins, frames, 2], elements: (0..<count).map { _ in random.uniform(in: -1, 1) })
  }

  /// A crop as training sees it, noisy and clean, each [1, T, F, 2]: two seconds of `utterance`
  /// through `frontEnd`.
  package static func crop(_ frontEnd: FrontEnd) -> (noisy: Tensor, clean: Tensor) {
    pair(frontEnd, sampleCount: frontEnd.sampleCount(seconds: 2), stream: "noise")
  }

  /// The spectrograms of `utterance` that `frontEnd` makes, each [1, T, F, 2].
  package static func pair(
    _ frontEnd: FrontEnd, sampleCount: Int, stream: String
  ) -> (noisy: Tensor, clean: Tensor) {
    let utterance = utterance(
      sampleCount: sampleCount, sampleRate: frontEnd.sampleRate, stream: stream)
    let transform = STFT(frontEnd)
    return (spectrogram(utterance.noisy, transform), spectrogram(utterance.clean, transform))
  }

  /// A voice-like sound at `sampleRate`, in hertz, and the same with noise 6 dB below it; `stream`
  /// names the noise.
  package static func utterance(
    sampleCount: Int, sampleRate: Int, stream: String
  ) -> (noisy: [Float], clean: [Float]) {
    let rate = Double(sampleRate)
    var random = Random(seed: 1, stream: stream)
    let clean = (0..<sampleCount).map { index in
      let time = Double(index) / rate
      // Harmonics of a gliding 120 Hz, in three syllables a second.
      let phase = 2 * Double.pi * (120 * time + 4 * sin(3 * time))
      let voice = (1...30).reduce(0.0) { $0 + sin(Double($1) * phase) / Double($1) }
      return Float(0.1 * voice * max(0, sin(2 * Double.pi * 1.5 * time)))
    }
    let power = clean.reduce(0.0) { $0 + Double($1 * $1) } / Double(clean.count)
    // Uniform in ±a has the power a²/3.
    let bound = Float((3 * power / 4).squareRoot())
    let noisy = clean.map { $0 + random.uniform(in: -bound, bound) }
    return (noisy, clean)
  }

  private static func spectrogram(_ samples: [Float], _ transform: STFT) -> Tensor {
    do {
      return try transform.tensor(of: samples)
    } catch {
      preconditionFailure("TestSignals: \(error)")
    }
  }
}
