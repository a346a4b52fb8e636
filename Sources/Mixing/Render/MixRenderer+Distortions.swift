extension MixRenderer {
  /// Distorts the samples of a mixture.
  func distort(_ mixture: UnsafeMutableBufferPointer<Double>, _ distortion: DrawnDistortion) {
    switch distortion {
    case .clipping(let minimum, let maximum):
      let low = quantiles.quantile(minimum, of: mixture.constant)
      let high = quantiles.quantile(maximum, of: mixture.constant)
      for index in mixture.indices { mixture[index] = min(max(mixture[index], low), high) }
    case .bandLimit(let rate, let rolloff, let zeroCrossings):
      let coefficients = LowPass.coefficients(
        rate: rate, rolloff: rolloff, zeroCrossings: zeroCrossings, sampleRate: sampleRate)
      convolution.filter(mixture.constant, with: coefficients, into: mixture)
    case .packetLoss(let milliseconds, let bursts):
      PacketSpans(milliseconds: milliseconds, sampleRate: sampleRate).lose(bursts, in: mixture)
    }
  }
}
