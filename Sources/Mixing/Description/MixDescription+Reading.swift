import Files
import Foundation
import Platform

extension MixDescription {
  /// Largest number of items of an epoch, which the arithmetic of passes holds.
  private static let largestCount = 1_000_000_000
  /// Longest part of a room response, in milliseconds.
  private static let longestResponse = 60_000
  /// Lowest level in dB; a lower one is below the last bit of any recording.
  private static let lowestLevel = -200.0
  /// Signal-to-noise ratios in dB.
  static let decibels = -60.0...100.0

  /// The description in the file at `path`, from whose folder relative paths of sources count.
  ///
  /// - Throws: `ConfigurationError` if the file is missing or broken.
  package static func load(_ path: String) throws(ConfigurationError) -> MixDescription {
    let url = URL(fileURLWithPath: path)
    let data = try FileContents.read(url) {
      ConfigurationError.unreadable(file: url.path, reason: $0.reason)
    }
    return try MixDescription(
      parsing: Array(data), file: url.path, folder: PathText.folder(url.path))
  }

  /// Parses a description from JSON text that errors call `file`; relative paths of its sources
  /// count from `folder`.
  ///
  /// - Throws: `ConfigurationError` for text that is no JSON, an unknown or doubled key, or an
  ///   impossible value.
  package init(
    parsing text: [UInt8], file: String, folder: String
  ) throws(ConfigurationError) {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: text)
    } catch {
      throw .notJSON(file: file, reason: error.description)
    }
    if let doubled = JSONValue.firstDoubledKey(in: text) {
      throw .doubledKey(file: file, key: doubled.key, line: doubled.line)
    }
    try self.init(json: json, file: file, folder: folder)
  }

  /// Reads a description from a JSON document that errors call `file`.
  ///
  /// - Throws: `ConfigurationError` for an unknown key or an impossible value.
  package init(json: JSONValue, file: String, folder: String) throws(ConfigurationError) {
    let reader = try ConfigurationReader(json, file: file)
    try reader.allow([
      "speech", "items", "noise", "reverberation", "distortions", "level", "peak_limit",
    ])
    self.init(speech: try Speech(reading: reader.object("speech"), folder: folder))
    try reader.read("items", in: 1...Self.largestCount) { items = $0 }
    if reader.optional("noise") != nil {
      noise = try Noise(reading: reader.object("noise"), folder: folder)
    }
    if reader.optional("reverberation") != nil {
      reverberation = try Reverberation(reading: reader.object("reverberation"), folder: folder)
    }
    if reader.optional("distortions") != nil {
      try readDistortions(reader.object("distortions"))
    }
    if reader.optional("level") != nil {
      let reader = try reader.object("level")
      try reader.allow(["rms_db"])
      _ = try reader.value("rms_db")
      level = try reader.range("rms_db", within: Self.lowestLevel...0)
    }
    try reader.read("peak_limit", above: 0, upTo: 1) { peakLimit = $0 }
  }

  private mutating func readDistortions(
    _ reader: ConfigurationReader
  ) throws(ConfigurationError) {
    try reader.allow(["counts", "kinds"])
    if reader.optional("kinds") != nil { distortions = try MixDistortion.list(reader, "kinds") }
    guard let counts = try reader.weights("counts") else { return }
    if counts.count > distortions.count + 1 {
      throw try reader.impossible(
        "counts",
        "there must be at most \(distortions.count + 1) weights, those of 0 to "
          + "\(NumberText.count(distortions.count, "distortion"))")
    }
    // Kinds of weight 0 are never drawn, so none would be left for the last ones.
    let most = counts.lastIndex { $0 > 0 } ?? 0
    let drawable = distortions.count { $0.weight > 0 }
    if most > drawable {
      throw try reader.impossible(
        "counts",
        "\(NumberText.count(most, "distortion")) must not have a weight: only "
          + "\(NumberText.count(drawable, "kind")) \(NumberText.agree(drawable, "has", "have")) one"
      )
    }
    distortionCounts = counts
  }
}

extension MixDescription.Speech {
  fileprivate init(
    reading reader: ConfigurationReader, folder: String
  ) throws(ConfigurationError) {
    try reader.allow(["sources", "channel"])
    self.init(sources: try MixSource.list(reader, "sources", of: .speech, folder: folder))
    if reader.optional("channel") != nil {
      channel = try reader.choice("channel", Channel.allCases)
    }
  }
}

extension MixDescription.Noise {
  fileprivate init(
    reading reader: ConfigurationReader, folder: String
  ) throws(ConfigurationError) {
    try reader.allow(["sources", "channel", "probability", "snr_db", "second"])
    self.init(sources: try MixSource.list(reader, "sources", of: .noise, folder: folder))
    if reader.optional("channel") != nil {
      channel = try reader.choice("channel", Channel.allCases)
    }
    probability = try reader.probability("probability") ?? probability
    decibels = try reader.range("snr_db", within: MixDescription.decibels) ?? decibels
    if reader.optional("second") != nil {
      let reader = try reader.object("second")
      try reader.allow(["probability", "snr_db"])
      _ = try reader.value("probability")
      second = Second(
        probability: try reader.probability("probability") ?? 0,
        decibels: try reader.range("snr_db", within: MixDescription.decibels) ?? decibels)
    }
  }
}

extension MixDescription.Reverberation {
  fileprivate init(
    reading reader: ConfigurationReader, folder: String
  ) throws(ConfigurationError) {
    try reader.allow([
      "sources", "channel", "probability", "target", "early_ms", "longest_ms",
    ])
    self.init(sources: try MixSource.list(reader, "sources", of: .reverberation, folder: folder))
    if reader.optional("channel")?.string == "mean" {
      throw try reader.impossible(
        "channel",
        "the mean of the channels of a room response is a comb filter; give \"first\" or "
          + "\"random\"")
    }
    if reader.optional("channel") != nil {
      channel = try reader.choice("channel", Channel.allCases)
    }
    probability = try reader.probability("probability") ?? probability
    if reader.optional("target") != nil { target = try reader.choice("target", Target.allCases) }
    let longest = MixDescription.longestResponse
    try reader.read("longest_ms", in: 1...longest) { longestMilliseconds = $0 }
    try reader.read("early_ms", in: 1...longest) { earlyMilliseconds = $0 }
    if earlyMilliseconds > longestMilliseconds {
      throw try reader.impossible(
        reader.optional("early_ms") == nil ? "longest_ms" : "early_ms",
        "\"early_ms\" (\(earlyMilliseconds)) must not be above \"longest_ms\" "
          + "(\(longestMilliseconds))")
    }
  }
}
