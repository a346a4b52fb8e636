import Files
import Foundation
import Platform

extension ModelConfiguration {
  /// Reads a configuration file.
  ///
  /// - Throws: `ConfigurationError` if the file cannot be read, is not JSON, has an unknown or
  ///   missing key, or an impossible value.
  public init(contentsOf url: URL) throws(ConfigurationError) {
    let data = try FileContents.read(url) {
      ConfigurationError.unreadable(file: url.path, reason: $0.reason)
    }
    try self.init(parsing: Array(data), file: url.path)
  }

  /// Parses a configuration from JSON text that errors call `file`.
  ///
  /// - Throws: `ConfigurationError` as `init(contentsOf:)` does.
  public init(parsing text: [UInt8], file: String) throws(ConfigurationError) {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: text)
    } catch {
      throw .notJSON(file: file, reason: error.description)
    }
    try self.init(json: json, file: file)
  }

  /// Reads a configuration from a JSON document that errors call `file`.
  ///
  /// - Throws: `ConfigurationError` for an unknown or missing key, or an impossible value.
  public init(json: JSONValue, file: String) throws(ConfigurationError) {
    let reader = try ConfigurationReader(json, file: file)
    try reader.allow([
      "name", "title", "summary", "published", "front_end", "bins", "bands", "features", "layers",
      "trunk",
      "decoder",
    ])
    let bands = try Self.bands(reader)
    let frontEnd = try Self.frontEnd(reader, bands: bands)
    self.init(
      unchecked: try Self.name(reader),
      try reader.string("title"),
      reader.optional("summary") == nil ? "" : try reader.string("summary"),
      reader.optional("published") == nil ? nil : try Published(reader.object("published")),
      frontEnd,
      bands,
      try reader.integer("features", in: 1...8192),
      try reader.integer("layers", in: 1...256),
      try TrunkKinds.read(reader.value("trunk"), file: file),
      try MaskDecoderConfiguration(reading: reader.object("decoder"), bands: bands.count))
    let count = SpeechEnhancer.parameterCount(of: self)
    guard count <= Self.parameterLimit else {
      throw .tooLarge(file: file, parameters: count, limit: Self.parameterLimit)
    }
  }

  /// Parameters of the largest model, which takes 34 GB with gradients and Adam's moments. Without
  /// a limit a slip of the pen in a preset would ask for terabytes.
  static let parameterLimit = 1 << 31

  /// The configuration as JSON, complete and with repeats expanded.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "name": .string(name), "title": .string(title), "bins": .integer(bins),
      "bands": .integers(bands), "features": .integer(features), "layers": .integer(layers),
      "trunk": trunk.json, "decoder": decoder.json,
    ]
    if !summary.isEmpty { members["summary"] = .string(summary) }
    if frontEnd != .standard { members["front_end"] = frontEnd.json }
    if let published {
      members["published"] = .object([
        "parameters": .integer(published.parameters), "pesq": .string(published.pesq),
      ])
    }
    return .object(members)
  }

  private static func name(_ reader: ConfigurationReader) throws(ConfigurationError) -> String {
    let name = try reader.string("name")
    // The name becomes part of the names of folders and files.
    let isPlain = name.utf8.allSatisfy {
      switch UnicodeScalar($0) {
      case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": true
      default: false
      }
    }
    if !isPlain || name.hasPrefix(".") {
      throw try reader.impossible(
        "name", "must be of letters, digits, \"-\", \"_\" and \".\", and not begin with \".\"")
    }
    return name
  }

  /// The front end, which the bands have to take up where it is given.
  private static func frontEnd(
    _ reader: ConfigurationReader, bands: [Int]
  ) throws(ConfigurationError) -> FrontEnd {
    if reader.optional("front_end") == nil { return .standard }
    let frontEnd = try FrontEnd(reading: reader.object("front_end"))
    let sum = bands.reduce(0, +)
    if sum != frontEnd.binCount {
      throw try reader.impossible(
        "bands",
        "must sum to the \(frontEnd.binCount) bins of \"front_end\" (half of the window of "
          + "\(frontEnd.fftLength), and one), not \(sum)")
    }
    return frontEnd
  }

  private static func bands(_ reader: ConfigurationReader) throws(ConfigurationError) -> [Int] {
    let bands = try reader.repeatedIntegers("bands", in: 1...65_536)
    let sum = bands.reduce(0, +)
    if reader.optional("bins") != nil {
      let bins = try reader.integer("bins", in: 1...65_537)
      if sum != bins {
        throw try reader.impossible("bands", "must sum to the \(bins) of \"bins\", not \(sum)")
      }
    }
    return bands
  }
}

extension ModelConfiguration.Published {
  fileprivate init(_ reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["parameters", "pesq"])
    self.init(
      parameters: try reader.integer("parameters", in: 1...Int.max),
      pesq: try reader.string("pesq"))
  }
}

extension MaskDecoderConfiguration {
  /// Reads the object `decoder` of a configuration with `bands` bands.
  ///
  /// - Throws: `ConfigurationError` for an unknown or missing key, or an impossible value.
  public init(reading reader: ConfigurationReader, bands: Int) throws(ConfigurationError) {
    try reader.allow(["expansion", "mask_taps"])
    let range = 1...64
    if case .integer = try reader.value("expansion") {
      let expansion = try reader.integer("expansion", in: range)
      expansions = Array(repeating: expansion, count: bands)
    } else {
      expansions = try reader.repeatedIntegers("expansion", in: range)
      if expansions.count != bands {
        throw try reader.impossible(
          "expansion",
          "must be one number or one for each of \(NumberText.count(bands, "band")), not "
            + "\(expansions.count)")
      }
    }
    maskTaps = try reader.integer("mask_taps", in: 1...63)
    if maskTaps % 2 == 0 {
      throw try reader.impossible("mask_taps", "must be odd, so that the mask has a middle frame")
    }
  }

  /// The object `decoder` of a configuration.
  public var json: JSONValue {
    let first = expansions.first ?? 1
    let isUniform = expansions.allSatisfy { $0 == first }
    return .object([
      "expansion": isUniform ? .integer(first) : .integers(expansions),
      "mask_taps": .integer(maskTaps),
    ])
  }
}

extension ModelConfiguration: Codable {
  /// Reads a configuration inside another document.
  ///
  /// - Throws: `ConfigurationError` for an unknown or missing key, or an impossible value.
  public init(from decoder: any Decoder) throws {
    try self.init(json: JSONValue(from: decoder), file: "the model configuration")
  }

  /// Encodes the configuration as `json`.
  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}
