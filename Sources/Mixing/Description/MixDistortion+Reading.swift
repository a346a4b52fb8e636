import Files
import Platform

extension MixDistortion {
  /// The distortions in the list at `key`, each kind once.
  static func list(
    _ reader: ConfigurationReader, _ key: String
  ) throws(ConfigurationError) -> [MixDistortion] {
    var distortions: [MixDistortion] = []
    for item in try reader.items(key) {
      let itemReader = try ConfigurationReader(item.value, file: reader.file, path: item.path)
      let distortion = try MixDistortion(reading: itemReader)
      if distortions.contains(where: { $0.name == distortion.name }) {
        throw try itemReader.impossible("kind", "each kind may be given once; leave one out")
      }
      distortions.append(distortion)
    }
    if !distortions.isEmpty, distortions.allSatisfy({ $0.weight == 0 }) {
      throw try reader.impossible(key, "one kind must have a \"weight\" above 0")
    }
    return distortions
  }

  private init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    if reader.optional("kind")?.string == "codec" {
      throw try reader.impossible(
        "kind", "it needs an encoder that the program does not have yet; leave the kind out")
    }
    switch try reader.choice("kind", Name.allCases) {
    case .clipping: self.init(.clipping(try Clipping(reading: reader)))
    case .bandLimit: self.init(.bandLimit(try BandLimit(reading: reader)))
    case .packetLoss: self.init(.packetLoss(try PacketLoss(reading: reader)))
    }
    weight = try reader.weight("weight") ?? weight
  }
}

extension MixDistortion.Clipping {
  fileprivate init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["kind", "weight", "min_quantile", "max_quantile"])
    self.init()
    minimumQuantile = try reader.range("min_quantile", within: 0...1) ?? minimumQuantile
    maximumQuantile = try reader.range("max_quantile", within: 0...1) ?? maximumQuantile
    if minimumQuantile.upperBound >= maximumQuantile.lowerBound {
      throw try reader.impossible(
        reader.optional("min_quantile") == nil ? "max_quantile" : "min_quantile",
        "\"min_quantile\" must end below the first number of \"max_quantile\", "
          + NumberText.setting(maximumQuantile.lowerBound))
    }
  }
}

extension MixDistortion.BandLimit {
  /// Longest half of a filter in seconds, which bounds its memory.
  private static let longestSeconds = 10.0

  fileprivate init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["kind", "weight", "rates_hz", "rolloff", "zero_crossings"])
    self.init()
    if let value = reader.optional("rates_hz") {
      guard let rates = value.integers, !rates.isEmpty else {
        throw try reader.wrongType("rates_hz", "a list of integers")
      }
      guard rates.allSatisfy((1...10_000_000).contains) else {
        throw try reader.impossible("rates_hz", "every rate must be between 1 and 10000000")
      }
      sampleRates = rates
    }
    rolloff = try reader.range("rolloff", within: 0...1) ?? rolloff
    if rolloff.lowerBound <= 0 {
      throw try reader.impossible("rolloff", "both numbers must be above 0")
    }
    try reader.read("zero_crossings", in: 1...100_000) { zeroCrossings = $0 }
    let lowest = Double(sampleRates.min() ?? 1) * rolloff.lowerBound
    if Double(zeroCrossings) / lowest > Self.longestSeconds {
      let keys = ["zero_crossings", "rolloff", "rates_hz"]
      throw try reader.impossible(
        keys.first { reader.optional($0) != nil } ?? "kind",
        "the low-pass would last more than \(NumberText.setting(Self.longestSeconds)) s on either "
          + "side; lower \"zero_crossings\", or raise \"rolloff\" or \"rates_hz\"")
    }
  }
}

extension MixDistortion.PacketLoss {
  fileprivate init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["kind", "weight", "packet_ms", "rate", "longest_burst"])
    self.init()
    try reader.read("packet_ms", in: 1...60_000) { packetMilliseconds = $0 }
    rate = try reader.range("rate", within: 0...1) ?? rate
    try reader.read("longest_burst", in: 1...1_000_000_000) { longestBurst = $0 }
  }
}
