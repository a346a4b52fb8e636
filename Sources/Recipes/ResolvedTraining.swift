import Files
import Foundation
import Models

/// A configuration with the layers that it was resolved from.
public struct ResolvedTraining: Codable, Sendable {
  /// Where a run's copy of its recipe came from.
  struct Source: Equatable {
    /// Name or path as the user gave it; nil if there was no recipe but flags.
    var name: String?
    /// Checksum of the document.
    var digest: String?
  }

  /// The configuration.
  public let configuration: TrainingConfiguration
  /// Name or path of the recipe; nil if there was none but flags.
  public let name: String?
  /// All values of the recipe with their origins.
  public let values: [RecipeResolution.Value]
  /// The text of the run's copy, `recipe.json`.
  public let document: String
  /// Sentences for the user.
  public let notes: [String]

  /// Resolves `settings` over the recipe of the name or path `recipe`, over the published one; of a
  /// run that is continued and began with a recipe, over the resolved copy at `copy`.
  ///
  /// `change` sets what is no part of a recipe. Then the batch of a rank is the recipe's, or its
  /// share of the recipe's global batch, rounded up.
  ///
  /// - Throws: `ConfigurationError` if the recipe cannot be read or has an impossible value.
  public init(
    model: ModelConfiguration, recipe name: String?, settings: [RecipeSetting], copy: URL? = nil,
    _ change: (inout TrainingConfiguration) -> Void
  ) throws(ConfigurationError) {
    var notes: [String] = []
    var file: RecipeFile?
    var source = Source()
    let kept = try copy.flatMap { url throws(ConfigurationError) in try Self.kept(url) }
    if let kept, let name, let copy, Self.isCopy(name, at: copy) {
      // The run's own copy, with the recipe from which that came.
      (file, source) = (kept.file, kept.source)
    } else if let kept, let began = kept.source.name, name == nil || name == began {
      let path = copy?.path(percentEncoded: false) ?? ""
      if name != nil { notes += Self.changes(of: began, since: kept.source, path) }
      (file, source) = (kept.file, kept.source)
    } else if let name {
      let loaded = try RecipeFile.load(name)
      (file, source) = (loaded, Source(name: name, digest: loaded.digest))
    }
    let resolution = try RecipeResolution(file, settings)
    let resolved = resolution.recipe
    configuration = TrainingConfiguration(model: model) {
      change(&$0)
      $0.recipe = resolved
      // Names for people are no part of an experiment, and the batch of a rank is the run's.
      ($0.recipe.title, $0.recipe.summary) = ("", "")
      $0.recipe.batch = Recipe().batch
      let ranks = $0.ranks * $0.accumulate
      $0.batch = resolved.batch ?? resolved.globalBatch.map { ($0 + ranks - 1) / ranks } ?? 6
    }
    self.name = source.name
    values = resolution.values
    self.notes = notes + resolution.notes
    document = Self.document(resolved, source)
  }

  /// Whether the recipe `name` is the copy of a run, at `url`.
  package static func isCopy(_ name: String, at url: URL) -> Bool {
    if RecipeFile.names.contains(name) { return false }
    return URL(fileURLWithPath: name).resolvingSymlinksInPath().path
      == url.resolvingSymlinksInPath().path
  }

  /// The copy of a configuration that no file or flag describes.
  public static func document(of configuration: TrainingConfiguration) -> String {
    document(configuration.recipe, Source())
  }

  private static func document(_ recipe: Recipe, _ source: Source) -> String {
    guard case .object(var members) = recipe.json else { return "" }
    if let name = source.name {
      members[Recipe.sourceKey] = .object([
        "recipe": .string(name), "digest": .string(source.digest ?? ""),
      ])
    }
    return ((try? indentedJSON(JSONValue.object(members))) ?? "") + "\n"
  }

  /// Sentences about a recipe that is not what it was when a run began with it and kept `source` in
  /// the copy at `path`. A run can be continued without the recipe.
  private static func changes(of name: String, since source: Source, _ path: String) -> [String] {
    let remedy = "the run follows its own copy, \(path)"
    do throws(ConfigurationError) {
      let isSame = try RecipeFile.load(name).digest == source.digest
      return isSame
        ? [] : ["the recipe \(name) has changed since the run began with it; \(remedy)"]
    } catch {
      return ["the recipe with which the run began cannot be read any more (\(error)); \(remedy)"]
    }
  }

  /// The recipe of a run's copy at `url`, and where it came from; nil if there is no copy, as in
  /// runs of earlier versions.
  private static func kept(
    _ url: URL
  ) throws(ConfigurationError) -> (file: RecipeFile, source: Source)? {
    let path = url.path(percentEncoded: false)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let data = try FileContents.read(url) {
      ConfigurationError.unreadable(file: path, reason: $0.reason)
    }
    var file: RecipeFile
    do throws(ConfigurationError) {
      file = try RecipeFile(parsing: Array(data), name: path, file: path)
    } catch {
      guard case .notJSON(let path, let reason) = error else { throw error }
      throw .notJSON(
        file: path,
        reason: reason + "; remove this copy, and give --recipe and the flags of the run again")
    }
    let source = file.json[Recipe.sourceKey]
    file.name = source?["recipe"]?.string ?? path
    return (
      file, Source(name: source?["recipe"]?.string, digest: source?["digest"]?.string)
    )
  }
}
