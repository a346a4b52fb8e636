import Files
import Foundation
import Models
import Recipes

/// Search for keys of a checkpoint that this version does not know.
///
/// A checkpoint with such a key is refused: an ignored key could decide what the run computes.
enum CheckpointNovelty {
  /// The first key path of the JSON text `written` that `known` lacks, which is the same value
  /// decoded and encoded again; nil if there is none.
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

  /// The key path in an error about a model or recipe that a later version may have written;
  /// nil for other errors.
  static func unknownKey(_ error: any Error) -> String? {
    switch error as? ConfigurationError {
    case .unknownKey(TrainingConfiguration.recipeName, let key, _): "recipe.\(key)"
    case .unknownKey(_, let key, _): "model.\(key)"
    case .impossibleValue(_, "trunk.kind", let value, _): "model.trunk.kind \(value)"
    default: nil
    }
  }
}
