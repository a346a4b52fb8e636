import Files
import Foundation
import Models
import Platform

/// A recipe as a file gives it: its document, which may leave keys to the defaults.
public struct RecipeFile: Sendable {
  /// Name of the recipe, or path of its file.
  public internal(set) var name: String
  /// The document.
  public let json: JSONValue
  /// Checksum of the document, by which a run knows that a recipe of the same name has changed.
  public let digest: String

  // A new recipe needs a file in `Presets` and a line here; a test compares the two.
  private static let files: [(name: String, text: [UInt8])] = [
    ("published", PackageResources.published_json),
    ("published-gan", PackageResources.published_gan_json),
    ("short", PackageResources.short_json),
    ("semamba", PackageResources.semamba_json),
  ]

  /// The names of the recipes that come with the program.
  public static let names: [String] = files.map(\.name)

  /// The recipe with this name, or that in the JSON file at this path.
  ///
  /// A recipe of the program takes precedence over a file with its name; write `./short` for the
  /// file.
  ///
  /// - Throws: `ConfigurationError` if neither exists, or the file is broken.
  public static func load(_ nameOrPath: String) throws(ConfigurationError) -> RecipeFile {
    if let file = files.first(where: { $0.name == nameOrPath }) {
      return try RecipeFile(parsing: file.text, name: nameOrPath, file: "recipe \(nameOrPath)")
    }
    let url = URL(fileURLWithPath: nameOrPath)
    let looksLikePath = nameOrPath.contains("/") || nameOrPath.hasSuffix(".json")
    guard looksLikePath || FileManager.default.fileExists(atPath: url.path), !nameOrPath.isEmpty
    else {
      throw .unknownRecipe(name: nameOrPath, known: names)
    }
    let data = try FileContents.read(url) {
      ConfigurationError.unreadable(file: url.path, reason: $0.reason)
    }
    return try RecipeFile(parsing: Array(data), name: nameOrPath, file: url.path)
  }

  /// Parses a recipe from JSON text that errors call `file`.
  ///
  /// - Throws: `ConfigurationError` for text that is no JSON, an unknown or doubled key, or an
  ///   impossible value.
  public init(
    parsing text: [UInt8], name: String, file: String
  ) throws(ConfigurationError) {
    do {
      json = try JSONValue(parsing: text)
    } catch {
      throw .notJSON(file: file, reason: error.description)
    }
    if let doubled = JSONValue.firstDoubledKey(in: text) {
      throw .doubledKey(file: file, key: doubled.key, line: doubled.line)
    }
    self.name = name
    digest = CRC32C(Array("\(json)".utf8)).text
    _ = try Recipe(json: json, file: file)
  }
}
