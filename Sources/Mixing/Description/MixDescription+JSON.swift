import Files

extension MixDescription {
  /// The description as JSON, complete but for keys whose default is to be absent, in the form that
  /// `init(json:file:folder:)` reads.
  package var json: JSONValue { json(withPaths: true) }

  /// Checksum of all that the description decides but the places of its sources: equal meanings
  /// have the same, however they are written.
  package var digest: String { CRC32C(Array("\(json(withPaths: false))".utf8)).text }

  /// Keys of `json` that differ from `other`'s, as paths with both values; those of a side that
  /// does not have them are nil. The places of sources are left out: the files decide, not where
  /// they are.
  package func differences(
    from other: MixDescription
  ) -> [(key: String, own: JSONValue?, other: JSONValue?)] {
    let own = Self.leaves(json(withPaths: false))
    let others = Self.leaves(other.json(withPaths: false))
    return Set(own.keys).union(others.keys).sorted().compactMap { key in
      own[key] == others[key] ? nil : (key, own[key], others[key])
    }
  }

  private func json(withPaths: Bool) -> JSONValue {
    func sources(_ sources: [MixSource]) -> JSONValue {
      .array(sources.map { $0.json(withPath: withPaths) })
    }
    var members: [String: JSONValue] = [
      "speech": .object([
        "sources": sources(speech.sources), "channel": .string(speech.channel.rawValue),
      ]),
      "distortions": .object([
        "counts": .array(distortionCounts.map { .decimal($0) }),
        "kinds": .array(distortions.map(\.json)),
      ]),
      "peak_limit": .decimal(peakLimit),
    ]
    if let items { members["items"] = .integer(items) }
    if let noise {
      var part: [String: JSONValue] = [
        "sources": sources(noise.sources), "channel": .string(noise.channel.rawValue),
        "probability": .decimal(noise.probability), "snr_db": .range(noise.decibels),
      ]
      if let second = noise.second {
        part["second"] = .object([
          "probability": .decimal(second.probability), "snr_db": .range(second.decibels),
        ])
      }
      members["noise"] = .object(part)
    }
    if let reverberation {
      members["reverberation"] = .object([
        "sources": sources(reverberation.sources),
        "channel": .string(reverberation.channel.rawValue),
        "probability": .decimal(reverberation.probability),
        "target": .string(reverberation.target.rawValue),
        "early_ms": .integer(reverberation.earlyMilliseconds),
        "longest_ms": .integer(reverberation.longestMilliseconds),
      ])
    }
    if let level { members["level"] = .object(["rms_db": .range(level)]) }
    return .object(members)
  }

  /// The values of a document that are neither objects nor lists of them, by their paths.
  private static func leaves(_ json: JSONValue, path: String = "") -> [String: JSONValue] {
    var children: [(String, JSONValue)] = []
    switch json {
    case .object(let members):
      children = members.map { (path.isEmpty ? $0 : "\(path).\($0)", $1) }
    case .array(let items):
      let isOfObjects = items.contains { if case .object = $0 { true } else { false } }
      if !isOfObjects { return [path: json] }
      children = items.enumerated().map { ("\(path)[\($0)]", $1) }
    default: return [path: json]
    }
    // An empty object stands for a source without settings.
    if children.isEmpty { return [path: json] }
    return children.reduce(into: [:]) { found, child in
      found.merge(leaves(child.1, path: child.0)) { one, _ in one }
    }
  }
}

extension MixSource {
  fileprivate func json(withPath: Bool) -> JSONValue {
    var members: [String: JSONValue] = [:]
    switch origin {
    case .path(let path): if withPath { members["path"] = .string(path) }
    }
    if let weight { members["weight"] = .decimal(weight) }
    if let decibels { members["snr_db"] = .range(decibels) }
    return .object(members)
  }
}

extension MixDistortion {
  fileprivate var json: JSONValue {
    var members: [String: JSONValue] = [
      "kind": .string(name.rawValue), "weight": .decimal(weight),
    ]
    switch kind {
    case .clipping(let clipping):
      members["min_quantile"] = .range(clipping.minimumQuantile)
      members["max_quantile"] = .range(clipping.maximumQuantile)
    case .bandLimit(let limit):
      members["rates_hz"] = .integers(limit.sampleRates)
      members["rolloff"] = .range(limit.rolloff)
      members["zero_crossings"] = .integer(limit.zeroCrossings)
    case .packetLoss(let loss):
      members["packet_ms"] = .integer(loss.packetMilliseconds)
      members["rate"] = .range(loss.rate)
      members["longest_burst"] = .integer(loss.longestBurst)
    }
    return .object(members)
  }
}
