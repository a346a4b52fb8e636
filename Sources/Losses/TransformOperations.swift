import Audio
import Tensor

extension Tensor {
  /// Adds `values` to the gradient.
  func addGradient(_ values: [Float]) {
    let gradient = gradientStorage()
    for (i, value) in values.enumerated() { gradient.base[i] += value }
  }
}

/// The samples [L] whose spectrogram is nearest to `spectrogram` [1, T, F, 2], L = hop·(T − 1);
/// the gradient goes back through the adjoint of the inverse transform.
func waveform(_ spectrogram: Tensor, _ transform: STFT, _ tape: Tape) -> Tensor {
  let frames = spectrogram.shape[1]
  let count = transform.hopSamples * (frames - 1)
  let samples = Tensor(
    shape: [count], elements: transform.inverse(spectrogram.elements, sampleCount: count),
    requiresGradient: true)
  tape.record {
    guard let gradient = samples.gradient else { return }
    spectrogram.addGradient(
      transform.inverseAdjoint(Array(gradient.buffer), frameCount: frames))
    samples.gradient = nil
  }
  return samples
}

/// The spectrogram [1, T, F, 2] of `samples` [L]; the gradient goes back through the adjoint of the
/// transform.
///
/// - Throws: `STFTError.tooShort` below half a window and one sample.
func spectrogram(
  _ samples: Tensor, _ transform: STFT, _ tape: Tape
) throws(STFTError) -> Tensor {
  let count = samples.count
  let spectrum = Tensor(
    shape: [1, transform.frameCount(sampleCount: count), transform.binCount, 2],
    elements: try transform.forward(samples.elements), requiresGradient: true)
  tape.record {
    guard let gradient = spectrum.gradient else { return }
    samples.addGradient(transform.forwardAdjoint(Array(gradient.buffer), sampleCount: count))
    spectrum.gradient = nil
  }
  return spectrum
}
