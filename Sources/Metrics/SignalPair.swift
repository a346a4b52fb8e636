/// Two signals of one length as the metrics take them: 16 kHz, finite, neither of them silent.
package struct SignalPair {
  /// Samples per second, in hertz. The frames of all metrics are laid out for it.
  package static let sampleRate = 16_000

  /// The clean signal.
  package let reference: [Double]
  /// The signal to judge.
  package let degraded: [Double]
  /// Samples of each.
  package var count: Int { reference.count }

  /// Cuts the longer signal to the shorter. Nothing is scaled: segmental SNR and WSS depend on the
  /// level, and expect samples in ±1.
  package init(reference: [Float], degraded: [Float], sampleRate: Int) throws(MetricError) {
    guard sampleRate == Self.sampleRate else { throw .unsupportedSampleRate(sampleRate) }
    let count = min(reference.count, degraded.count)
    self.reference = try Self.samples(reference, count, .reference)
    self.degraded = try Self.samples(degraded, count, .degraded)
    // Nothing at all is too short rather than silent.
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
