/// Two signals of equal length that the metrics accept: at 16 kHz, finite and not silent.
package struct SignalPair {
  /// Sample rate, in hertz, that the frames of all metrics are laid out for.
  package static let sampleRate = 16_000

  /// The clean signal.
  package let reference: [Double]
  /// The signal to judge.
  package let degraded: [Double]
  /// Number of samples of each signal.
  package var count: Int { reference.count }

  /// Cuts the longer signal to the length of the shorter. Samples are not scaled, because segmental
  /// SNR and WSS depend on the level; both expect samples in ±1.
  ///
  /// - Throws: `MetricError` for another sample rate, a sample that is not finite, or a silent
  ///   signal.
  package init(reference: [Float], degraded: [Float], sampleRate: Int) throws(MetricError) {
    guard sampleRate == Self.sampleRate else { throw .unsupportedSampleRate(sampleRate) }
    let count = min(reference.count, degraded.count)
    self.reference = try Self.samples(reference, count, .reference)
    self.degraded = try Self.samples(degraded, count, .degraded)
    // An empty pair is reported as too short rather than as silent.
    guard count > 0 else { return }
    if self.reference.allSatisfy({ $0 == 0 }) { throw .silentReference }
    if self.degraded.allSatisfy({ $0 == 0 }) { throw .silentDegraded }
  }

  private static func samples(
    _ signal: [Float], _ count: Int, _ name: MetricError.Signal
  ) throws(MetricError) -> [Double] {
    var samples = [Double](repeating: 0, count: count)
    for i in 0..<count {
      guard signal[i].isFinite else { throw .nonFiniteSample(name, index: i) }
      samples[i] = Double(signal[i])
    }
    return samples
  }
}
