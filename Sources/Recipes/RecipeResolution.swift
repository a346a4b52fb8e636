import Files
import Models

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
}

/// A recipe resolved from its layers: a flag beats the recipe, the recipe beats the default.
public struct RecipeResolution: Sendable {
  /// A value of the resolved recipe.
  public struct Value: Codable, Equatable, Sendable {
    /// Path of the key, such as `optimizer.eps`.
    public let key: String
    /// The value.
    public let value: JSONValue
    /// Where it comes from: a flag, `recipe NAME`, or `default`.
    public let origin: String
  }

  /// The recipe.
  public let recipe: Recipe
  /// All values with their origins, sorted by key.
  public let values: [Value]

  /// Resolves `settings` over `file`, over the published recipe.
  ///
  /// - Throws: `ConfigurationError` for an unknown key or an impossible value.
  public init(_ file: RecipeFile?, _ settings: [RecipeSetting]) throws(ConfigurationError) {
    let published = Recipe().json
    var document = file?.json ?? .object([:])
    for setting in settings {
      document = document.setting(setting.path[...], to: setting.value) { key in
        // A key inside a section that the recipe leaves to the default changes the default's.
        published[key]
      }
    }
    // The batch of a rank that a recipe gives belongs to its own global batch.
    let given = Set(settings.map { $0.path[0] })
    if given.contains("global_batch"), !given.contains("batch"),
      document["global_batch"]?.string != "any"
    {
      document = document.setting(["batch"], to: .string("share")) { _ in nil }
    }
    let written = settings.filter { $0.flag.hasPrefix("--set") }.map(\.flag)
    let base = file.map { "recipe \($0.name)" } ?? "recipe published"
    recipe = try Recipe(
      json: document,
      file: written.isEmpty ? base : "\(base) with \(written.joined(separator: " "))")
    let ofFile = Recipe.leaves(file?.json ?? .object([:]))
    values = Recipe.leaves(recipe.json).sorted { $0.key < $1.key }.compactMap { key, value in
      if ["name", "title", "summary"].contains(key) { return nil }
      let flag = settings.last { setting in
        let path = setting.path.joined(separator: ".")
        return key == path || key.hasPrefix(path + ".")
      }?.flag
      let isOfFile = ofFile[key] != nil
      return Value(
        key: key, value: value,
        origin: flag ?? (isOfFile ? base : "default"))
    }
  }
}

extension JSONValue {
  /// The document with `value` at `path`. Where it has no object for the first key, that of
  /// `standard` is changed.
  fileprivate func setting(
    _ path: ArraySlice<String>, to value: JSONValue, _ standard: (String) -> JSONValue?
  ) -> JSONValue {
    guard let key = path.first else { return value }
    var members: [String: JSONValue] = [:]
    if case .object(let own) = self { members = own }
    let inner = members[key] ?? (path.count > 1 ? standard(key) : nil) ?? .object([:])
    members[key] = inner.setting(path.dropFirst(), to: value) { _ in nil }
    return .object(members)
  }
}
