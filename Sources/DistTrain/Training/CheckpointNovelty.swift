import Foundation
import Models
import Tensor

/// Names in a checkpoint that this version does not know, so that it cannot tell what it would lose.
///
/// A key that is ignored could decide what the run computes: a checkpoint with one is refused.
enum CheckpointNovelty {
  /// The first key path of the JSON text `written` that the same value, decoded and encoded again as
  /// `known`, lacks; nil if there is none.
  static func firstUnknownKey(in written: String, known: String) -> String? {
    guard let written = try? JSONValue(parsing: Array(written.utf8)),
      let known = try? JSONValue(parsing: Array(known.utf8))
    else { return nil }
    return firstUnknownKey(in: written, known: known, path: "")
  }

  private static func firstUnknownKey(
    in written: JSONValue, known: JSONValue, path: String
  ) -> String? {
    guard case .object(let members) = written else { return nil }
    for (key, value) in members.sorted(by: { $0.key < $1.key }) where value != .null {
      let name = path.isEmpty ? key : "\(path).\(key)"
      guard let counterpart = known[key] else { return name }
      if let found = firstUnknownKey(in: value, known: counterpart, path: name) { return found }
    }
    return nil
  }

  /// The key path that a configuration was rejected for, if only a later version can have written it.
  static func unknownKey(_ error: any Error) -> String? {
    switch error as? ConfigurationError {
    case .unknownKey(_, let key, _): "model.\(key)"
    case .impossibleValue(_, "trunk.kind", let value, _): "model.trunk.kind \(value)"
    default: nil
    }
  }
}
