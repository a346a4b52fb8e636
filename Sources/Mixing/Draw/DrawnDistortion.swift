/// A distortion with the numbers that were drawn for it.
package enum DrawnDistortion: Equatable, Sendable {
  /// Packets that are lost one after another.
  package struct Burst: Equatable, Sendable {
    /// Number of the first packet, from 0.
    package var start: Int
    /// Number of packets, of which some may lie behind the end of the crop.
    package var length: Int

    package init(start: Int, length: Int) {
      self.start = start
      self.length = length
    }
  }

  /// Samples limited to two quantiles of them.
  case clipping(minimumQuantile: Double, maximumQuantile: Double)
  /// A low-pass as if the mixture had been sampled at `sampleRate`.
  case bandLimit(sampleRate: Int, rolloff: Double, zeroCrossings: Int)
  /// Packets of zeros.
  case packetLoss(packetMilliseconds: Int, bursts: [Burst])
}

extension DrawnDistortion: Codable {
  private enum CodingKeys: String, CodingKey {
    case kind, rolloff, bursts
    case minimumQuantile = "min_quantile"
    case maximumQuantile = "max_quantile"
    case sampleRate = "rate_hz"
    case zeroCrossings = "zero_crossings"
    case packetMilliseconds = "packet_ms"
  }

  /// Name of the kind.
  package var name: MixDistortion.Name {
    switch self {
    case .clipping: .clipping
    case .bandLimit: .bandLimit
    case .packetLoss: .packetLoss
    }
  }

  /// Decodes a distortion of a manifest.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let kind = try container.decode(String.self, forKey: .kind)
    switch MixDistortion.Name(rawValue: kind) {
    case .clipping?:
      self = .clipping(
        minimumQuantile: try container.decode(Double.self, forKey: .minimumQuantile),
        maximumQuantile: try container.decode(Double.self, forKey: .maximumQuantile))
    case .bandLimit?:
      self = .bandLimit(
        sampleRate: try container.decode(Int.self, forKey: .sampleRate),
        rolloff: try container.decode(Double.self, forKey: .rolloff),
        zeroCrossings: try container.decode(Int.self, forKey: .zeroCrossings))
    case .packetLoss?:
      self = .packetLoss(
        packetMilliseconds: try container.decode(Int.self, forKey: .packetMilliseconds),
        bursts: try container.decode([Burst].self, forKey: .bursts))
    case nil:
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: container, debugDescription: "unknown kind of distortion \"\(kind)\"")
    }
  }

  /// Encodes the distortion for a manifest.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name.rawValue, forKey: .kind)
    switch self {
    case .clipping(let minimum, let maximum):
      try container.encode(minimum, forKey: .minimumQuantile)
      try container.encode(maximum, forKey: .maximumQuantile)
    case .bandLimit(let rate, let rolloff, let crossings):
      try container.encode(rate, forKey: .sampleRate)
      try container.encode(rolloff, forKey: .rolloff)
      try container.encode(crossings, forKey: .zeroCrossings)
    case .packetLoss(let milliseconds, let bursts):
      try container.encode(milliseconds, forKey: .packetMilliseconds)
      try container.encode(bursts, forKey: .bursts)
    }
  }
}

extension DrawnDistortion.Burst: Codable {
  /// Decodes the list [start, length].
  package init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    start = try container.decode(Int.self)
    length = try container.decode(Int.self)
  }

  /// Encodes the list [start, length].
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.unkeyedContainer()
    try container.encode(start)
    try container.encode(length)
  }
}
