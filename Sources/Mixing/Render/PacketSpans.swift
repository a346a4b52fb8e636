/// Packets of a whole number of milliseconds, one after another from the first sample of a crop.
struct PacketSpans {
  let milliseconds: Int
  /// Hertz.
  let sampleRate: Int

  /// Number of whole packets in `length` samples.
  func count(in length: Int) -> Int { 1000 * length / (sampleRate * milliseconds) }

  /// First sample of the packet `number`.
  func start(of number: Int) -> Int { number * milliseconds * sampleRate / 1000 }

  /// Sets the samples of the packets of `bursts` to zero.
  func lose(_ bursts: [DrawnDistortion.Burst], in samples: UnsafeMutableBufferPointer<Double>) {
    let count = count(in: samples.count)
    for burst in bursts where burst.start < count {
      let end = min(burst.start + burst.length, count)
      samples[start(of: burst.start)..<start(of: end)].update(repeating: 0)
    }
  }
}
