import Files
import Foundation

/// Parts of a mix that have sources.
package enum MixPart: String, Codable, Hashable, CaseIterable, Sendable {
  case speech
  case noise
  case reverberation
}

extension MixSource {
  /// The sources of `part` in the list at `key`, which must not be empty.
  static func list(
    _ reader: ConfigurationReader, _ key: String, of part: MixPart, folder: String
  ) throws(ConfigurationError) -> [MixSource] {
    var sources: [MixSource] = []
    for item in try reader.items(key) {
      sources.append(
        try MixSource(item.value, path: item.path, file: reader.file, of: part, folder: folder))
    }
    if sources.isEmpty { throw try reader.impossible(key, "there must be a source") }
    if sources.allSatisfy({ $0.weight == 0 }) {
      throw try reader.impossible(key, "one source must have a \"weight\" above 0")
    }
    return sources
  }

  private init(
    _ value: JSONValue, path: String, file: String, of part: MixPart, folder: String
  ) throws(ConfigurationError) {
    if case .string(let text) = value {
      self.init(.path(try Self.resolved(text, key: path, file: file, folder: folder)))
      return
    }
    guard case .object = value else {
      throw .wrongType(
        file: file, key: path, value: "\(value)",
        expected: "a path or an object with a \"path\"")
    }
    let reader = try ConfigurationReader(value, file: file, path: path)
    try reader.allow(part == .noise ? ["path", "weight", "snr_db"] : ["path", "weight"])
    let text = try reader.string("path")
    self.init(.path(try Self.resolved(text, key: path + ".path", file: file, folder: folder)))
    weight = try reader.weight("weight")
    if part == .speech, weight != nil {
      throw try reader.impossible(
        "weight", "every utterance of speech is drawn equally often; leave the weight out")
    }
    decibels = try reader.range("snr_db", within: MixDescription.decibels)
  }

  /// `path` from the folder of the description, or from the user's home if it begins with `~/`.
  private static func resolved(
    _ path: String, key: String, file: String, folder: String
  ) throws(ConfigurationError) -> String {
    if path.isEmpty || path.utf8.contains(0) {
      throw .impossibleValue(
        file: file, key: key, value: "\(JSONValue.string(path))",
        requirement: path.isEmpty
          ? "a path must not be empty" : "a path must not have a NUL character")
    }
    if path == "~" || path.hasPrefix("~/") { return NSHomeDirectory() + path.dropFirst() }
    if path.hasPrefix("/") { return path }
    return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
  }
}
