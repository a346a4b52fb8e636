import Files
import Models

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
  /// Sentences about flags that a `--set` replaces.
  let notes: [String]

  /// Resolves `settings` over `file`, over the published recipe.
  ///
  /// - Throws: `ConfigurationError` for an unknown key or an impossible value, and for a `--set`
  ///   that contradicts one before it.
  public init(_ file: RecipeFile?, _ settings: [RecipeSetting]) throws(ConfigurationError) {
    var notes: [String] = []
    for (index, setting) in settings.enumerated() where setting.isSet {
      for earlier in settings[..<index] {
        guard let key = setting.firstKey(replacedOf: earlier) else { continue }
        if earlier.isSet {
          throw .contradiction(key: key, setting: earlier.flag, other: setting.flag)
        }
        notes.append("\(setting.flag) replaces \"\(key)\" of \(earlier.flag)")
      }
    }
    self.notes = notes
    let base = file.map { "recipe \($0.name)" } ?? "recipe published"
    var document = file?.json ?? .object([:])
    // A key inside a section that the recipe leaves to the default changes the default's.
    let complete = try Recipe(json: document, file: base).json
    for setting in settings where setting.path.count > 1 {
      document = document.preparing(setting.path[...], for: setting, complete)
    }
    let ofFile = Set(Recipe.leaves(file?.json ?? .object([:])).keys)
      .intersection(Recipe.leaves(document).keys)
    for setting in settings { document = document.setting(setting.path[...], to: setting.value) }
    // The batch of a rank that a recipe gives belongs to its own global batch.
    let given = Set(settings.map { $0.path[0] })
    if given.contains("global_batch"), !given.contains("batch"),
      document["global_batch"]?.string != "any"
    {
      document = document.setting(["batch"], to: .string("share"))
    }
    // An error may be about the value of any of them.
    var written: [String] = []
    for setting in settings where !written.contains(setting.flag) { written.append(setting.flag) }
    recipe = try Recipe(
      json: document,
      file: written.isEmpty ? base : "\(base) with \(written.joined(separator: " "))")
    values = Recipe.leaves(recipe.json).sorted { $0.key < $1.key }.compactMap { key, value in
      if ["name", "title", "summary"].contains(key) { return nil }
      let flag = settings.last { setting in
        let path = setting.path.joined(separator: ".")
        return key == path || key.hasPrefix(path + ".")
      }?.flag
      return Value(
        key: key, value: value, origin: flag ?? (ofFile.contains(key) ? base : "default"))
    }
  }
}

extension JSONValue {
  /// The document with the section of the key at `path`, that of `complete` if the document has
  /// none, and without the keys there that `setting` excludes.
  fileprivate func preparing(
    _ path: ArraySlice<String>, for setting: RecipeSetting, _ complete: JSONValue?
  ) -> JSONValue {
    guard case .object(var members) = self, let key = path.first else { return self }
    if path.count == 1 {
      return .object(members.filter { !setting.excludes($0.key, of: members) })
    }
    let inner = members[key] ?? complete?[key]
    members[key] = inner?.preparing(path.dropFirst(), for: setting, complete?[key])
    return .object(members)
  }

  /// The document with `value` at `path`.
  fileprivate func setting(_ path: ArraySlice<String>, to value: JSONValue) -> JSONValue {
    guard let key = path.first else { return value }
    var members: [String: JSONValue] = [:]
    if case .object(let own) = self { members = own }
    members[key] = (members[key] ?? .object([:])).setting(path.dropFirst(), to: value)
    return .object(members)
  }
}
