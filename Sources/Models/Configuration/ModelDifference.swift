import Files

/// A key of a preset that has different values in two configurations.
package struct ModelDifference: Equatable, Sendable {
  /// The path of the key, such as `trunk.hidden`.
  package let key: String
  /// Value of this configuration as JSON; nil if it has no such key.
  package let own: String?
  /// Value of the other configuration.
  package let other: String?
}

extension ModelConfiguration {
  /// The keys that make weights of a model with the configuration `other` unfit for this one, by
  /// name.
  package func differences(from other: ModelConfiguration) -> [ModelDifference] {
    // These describe the model and do not decide what it computes.
    let texts = ["name", "title", "summary", "published"]
    let (own, others) = (Self.leaves(json), Self.leaves(other.json))
    return Set(own.keys).union(others.keys).sorted().compactMap { key in
      let root = String(key.prefix { $0 != "." })
      if own[key] == others[key] || texts.contains(root) { return nil }
      return ModelDifference(
        key: key, own: own[key].map(Self.text), other: others[key].map(Self.text))
    }
  }

  /// The JSON of `value`, cut where it is long: a list of bands.
  private static func text(_ value: JSONValue) -> String {
    let text = value.description
    return text.count > 60 ? text.prefix(60) + "…" : text
  }

  /// The values of `value` that are no objects, by their paths.
  private static func leaves(_ value: JSONValue, at path: String = "") -> [String: JSONValue] {
    guard case .object(let members) = value else { return [path: value] }
    var all: [String: JSONValue] = [:]
    for (key, member) in members {
      all.merge(leaves(member, at: path.isEmpty ? key : "\(path).\(key)")) { $1 }
    }
    return all
  }
}
