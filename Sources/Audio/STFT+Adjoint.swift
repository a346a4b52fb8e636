/// Adjoints of the two transforms, which are linear: they take the gradient of an objective from
/// one side to the other. ⟨A·x, g⟩ = ⟨x, Aᵀ·g⟩ with real and imaginary parts as numbers of their
/// own.
extension STFT {
  /// The gradient of an objective for the samples, from its `gradient` `[T, F, 2]` for their
  /// spectrogram.
  ///
  /// With y_t = window · padded samples and X_t = DFT(y_t) it is the sum over frames of
  /// window · Σ_k (Re g_k cos θ − Im g_k sin θ), θ = 2πkn/N, folded back where edges were
  /// reflected.
  public func forwardAdjoint(_ gradient: [Float], sampleCount: Int) -> [Float] {
    let frames = frameCount(sampleCount: sampleCount)
    precondition(
      gradient.count == frames * binCount * 2 && sampleCount > fftLength / 2,
      "STFT.forwardAdjoint: \(gradient.count) numbers for \(sampleCount) samples")
    let margin = fftLength / 2
    let last = binCount - 1
    var sum = [Float](repeating: 0, count: sampleCount + 2 * margin)
    for frame in 0..<frames {
      // The inverse transform counts every bin but the first and last twice and divides by N.
      for bin in 0..<binCount {
        let scale = Float(fftLength) / (bin == 0 || bin == last ? 1 : 2)
        let at = 2 * (frame * binCount + bin)
        transform.spectrum[2 * bin] = gradient[at] * scale
        transform.spectrum[2 * bin + 1] = gradient[at + 1] * scale
      }
      // Sines of these are 0.
      transform.spectrum[1] = 0
      transform.spectrum[2 * last + 1] = 0
      transform.inverse()
      let start = frame * hopSamples
      for i in 0..<fftLength { sum[start + i] += transform.time[i] * window[i] }
    }
    var samples = Array(sum[margin..<margin + sampleCount])
    for i in 0..<margin {
      samples[margin - i] += sum[i]
      samples[sampleCount - 2 - i] += sum[margin + sampleCount + i]
    }
    return samples
  }

  /// The gradient of an objective for a spectrogram of `frameCount` frames, `[frameCount, F, 2]`,
  /// from its `gradient` for the samples that `inverse` makes of it: DFT(window · g/power) of every
  /// frame, times 2/N, or 1/N at the first and last bin, whose imaginary parts have none.
  public func inverseAdjoint(_ gradient: [Float], frameCount: Int) -> [Float] {
    let margin = fftLength / 2
    let length = fftLength + hopSamples * (frameCount - 1)
    let last = binCount - 1
    var power = [Float](repeating: 0, count: length)
    for frame in 0..<frameCount {
      let start = frame * hopSamples
      for i in 0..<fftLength { power[start + i] += window[i] * window[i] }
    }
    var padded = [Float](repeating: 0, count: length)
    for (i, value) in gradient.enumerated() { padded[margin + i] = value / power[margin + i] }
    var spectrogram = [Float](repeating: 0, count: frameCount * binCount * 2)
    for frame in 0..<frameCount {
      let start = frame * hopSamples
      for i in 0..<fftLength { transform.time[i] = padded[start + i] * window[i] }
      transform.forward()
      for bin in 0..<binCount {
        let isEdge = bin == 0 || bin == last
        let scale = (isEdge ? 1 : 2) / Float(fftLength)
        let at = 2 * (frame * binCount + bin)
        spectrogram[at] = transform.spectrum[2 * bin] * scale
        spectrogram[at + 1] = isEdge ? 0 : transform.spectrum[2 * bin + 1] * scale
      }
    }
    return spectrogram
  }
}
