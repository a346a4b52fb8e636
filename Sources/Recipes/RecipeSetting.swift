import Files
import Tensor

/// A value of the command line for a key of the recipe.
public struct RecipeSetting: Sendable, Equatable {
  /// Path of the key from the top, such as `["optimizer", "eps"]`.
  public let path: [String]
  /// The value.
  public let value: JSONValue
  /// The flag, as the user wrote it.
  public let flag: String

  /// `value` for the key at `path`, given by `flag`.
  public init(_ path: [String], _ value: JSONValue, flag: String) {
    self.path = path
    self.value = value
    self.flag = flag
  }

  /// The setting of `--set KEY=VALUE`; nil for text of another form.
  ///
  /// The value is JSON; a word that is no JSON is a string.
  public init?(parsing text: String) {
    let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard sides.count == 2, !sides[1].isEmpty else { return nil }
    let path = sides[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard path.allSatisfy({ !$0.isEmpty }) else { return nil }
    let value = (try? JSONValue(parsing: Array(sides[1].utf8))) ?? .string(String(sides[1]))
    self.init(path, value, flag: "--set \(text)")
  }

  /// Whether it is one of `--set`, not of a flag of its own.
  var isSet: Bool { flag.hasPrefix("--set ") }

  /// Whether the value of `key` in a section of the recipe, `members`, has no meaning any more
  /// beside this value of another key of that section: a length or time in another unit, and
  /// numbers of another kind of schedule or optimizer.
  func excludes(_ key: String, of members: [String: JSONValue]) -> Bool {
    guard path.count > 1, let own = path.last, own != key else { return false }
    let pair = Set([own, key])
    switch path[path.count - 2] {
    case "crop": return pair == ["seconds", "samples"]
    case "warmup": return pair == ["steps", "epochs"]
    case "from": return pair == ["fraction", "epoch"]
    case "schedule": return own == "kind" && members["kind"] != value
    case "optimizer":
      let kind = own == "kind" ? value.string.flatMap(AdamSettings.Kind.init(rawValue:)) : nil
      return kind.map { !$0.keys.contains(key) } ?? false
    default: return false
    }
  }

  /// The first key for which `earlier` gives a value that this setting, applied after it, would
  /// silently replace by another one; nil if there is none.
  func firstKey(replacedOf earlier: RecipeSetting) -> String? {
    let own = Recipe.leaves(value, path: path.joined(separator: "."))
    let prefix = path.joined(separator: ".") + "."
    return Recipe.leaves(earlier.value, path: earlier.path.joined(separator: "."))
      .sorted { $0.key < $1.key }.first { key, value in
        if let new = own[key] { return new != value }
        // A section in the place of a value, or the other way round.
        return key.hasPrefix(prefix) || prefix.hasPrefix(key + ".")
      }?.key
  }
}
