import Files
import Foundation

/// The systems that come with the program, each a JSON file in `Presets`.
public enum Preset {
  // A new system needs a file in `Presets` and a line here; a test compares the two.
  private static let files: [(name: String, text: [UInt8])] = [
    ("abl1", PackageResources.abl1_json),
    ("abl2", PackageResources.abl2_json),
    ("abl3", PackageResources.abl3_json),
    ("bsrnn", PackageResources.bsrnn_json),
    ("unimamba", PackageResources.unimamba_json),
    ("bsrnn31", PackageResources.bsrnn31_json),
  ]

  /// The names of the presets.
  public static let names: [String] = files.map(\.name)

  /// The names of the ablations and of the baselines that they are compared with, which `check`
  /// tests by default.
  public static let systems: [String] = ["abl1", "abl2", "abl3", "bsrnn", "unimamba"]

  /// The configurations of all presets.
  ///
  /// - Throws: `ConfigurationError` if a preset is broken, which tests rule out.
  public static func all() throws(ConfigurationError) -> [ModelConfiguration] {
    var presets: [ModelConfiguration] = []
    for name in names { presets.append(try load(name)) }
    return presets
  }

  /// The preset with this name, or the configuration in the JSON file at this path.
  ///
  /// A preset takes precedence over a file with its name; write `./abl1` for the file.
  ///
  /// - Throws: `ConfigurationError` if neither exists, or the file is broken.
  public static func load(_ nameOrPath: String) throws(ConfigurationError) -> ModelConfiguration {
    if let file = files.first(where: { $0.name == nameOrPath }) {
      return try ModelConfiguration(parsing: file.text, file: "preset \(file.name)")
    }
    let url = URL(fileURLWithPath: nameOrPath)
    let looksLikePath = nameOrPath.contains("/") || nameOrPath.hasSuffix(".json")
    guard looksLikePath || FileManager.default.fileExists(atPath: url.path), !nameOrPath.isEmpty
    else {
      throw .unknownPreset(name: nameOrPath, known: names)
    }
    return try ModelConfiguration(contentsOf: url)
  }
}
