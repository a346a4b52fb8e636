import Files

extension MixDistortion {
  /// The distortion of a crop of `length` samples; nil if there is nothing to do at its rate.
  func drawn(
    _ generator: inout SplitMix64, sampleRate: Int, length: Int
  ) -> DrawnDistortion? {
    switch kind {
    case .clipping(let clipping):
      let minimum = generator.range(clipping.minimumQuantile)
      return .clipping(
        minimumQuantile: minimum, maximumQuantile: generator.range(clipping.maximumQuantile))
    case .bandLimit(let limit):
      let rates = limit.sampleRates.filter { $0 < sampleRate }
      if rates.isEmpty { return nil }
      let rate = rates[generator.below(rates.count)]
      return .bandLimit(
        sampleRate: rate, rolloff: generator.range(limit.rolloff),
        zeroCrossings: limit.zeroCrossings)
    case .packetLoss(let loss):
      let rate = generator.range(loss.rate)
      let packets = PacketSpans(milliseconds: loss.packetMilliseconds, sampleRate: sampleRate)
        .count(in: length)
      // Packets that are still to be lost.
      var left = Int((rate * Double(packets) + 0.5).rounded(.down))
      var bursts: [DrawnDistortion.Burst] = []
      while left > 0 {
        let length = min(left, 1 + generator.below(loss.longestBurst))
        bursts.append(.init(start: generator.below(packets), length: length))
        left -= length
      }
      return .packetLoss(packetMilliseconds: loss.packetMilliseconds, bursts: bursts)
    }
  }
}
