import Files
import Foundation
import Models
import Testing

struct PresetTests {
  @Test func everyFileInTheFolderIsAPreset() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Models/Presets").standardizedFileURL
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
    #expect(files.sorted() == Preset.names.sorted())
    for name in Preset.names {
      // The embedded copy equals the file, and the preset has the file's name.
      let file = try ModelConfiguration(contentsOf: folder.appending(path: "\(name).json"))
      #expect(try Preset.load(name) == file)
      #expect(file.name == name)
    }
  }

  @Test(arguments: [
    ("abl1", "Ablation 1", 3_960_000, "3.0-3.1 expected"),
    ("abl2", "Ablation 2", 4_420_000, "3.1-3.2 expected"),
    ("abl3", "Ablation 3", 2_820_000, "3.2-3.5 expected"),
    ("bsrnn", "BSRNN", 2_400_000, "3.00 measured"),
    ("unimamba", "Unidirectional Mamba", 2_140_000, "2.62 measured"),
  ])
  func presetsHaveTheirPublishedFigures(
    name: String, title: String, parameters: Int, pesq: String
  ) throws {
    let preset = try Preset.load(name)
    #expect(preset.title == title && !preset.summary.isEmpty)
    #expect(preset.published?.parameters == parameters && preset.published?.pesq == pesq)
    #expect(preset.bins == 257 && preset.bands.count == 30)
  }

  @Test func theSystemsArePresets() { #expect(Set(Preset.systems).isSubset(of: Preset.names)) }

  /// Checks the bands and taps of the published code, whose weights fit (`RenameBSRNNTests`).
  @Test func bsrnn31IsThePublishedLayout() throws {
    let preset = try Preset.load("bsrnn31")
    let fixture = try golden("bandsplit_full31")
    let widths = try JSONValue(parsing: Array(try #require(fixture.metadata["bands"]).utf8))
    #expect(preset.bands == widths.integers && preset.bands.count == 31 && preset.bins == 257)
    #expect(preset.features == 64 && preset.layers == 5 && preset.decoder.maskTaps == 3)
    #expect(preset.decoder.expansions.allSatisfy { $0 == 4 } && preset.published == nil)
    #expect(preset.trunk as? LSTMTrunkConfiguration == LSTMTrunkConfiguration(expansion: 2))
  }

  @Test func bandsAreThePsychoacousticOnes() throws {
    let bands = try Preset.load("abl3").bands
    // With 31.25 Hz per bin: 11 bands to 1 kHz, 12 to 4 kHz, 7 to 8 kHz.
    #expect(bands[..<11].reduce(0, +) == 32)
    #expect(bands[..<23].reduce(0, +) == 128)
    #expect(
      bands == [2] + Array(repeating: 3, count: 10) + Array(repeating: 8, count: 12)
        + [18, 18, 18, 18, 19, 19, 19])
    let expansions = try Preset.load("abl3").decoder.expansions
    #expect(expansions[..<11].allSatisfy { $0 == 2 } && expansions[11..<23].allSatisfy { $0 == 3 })
    #expect(expansions[23...].allSatisfy { $0 == 4 } && expansions.count == 30)
  }

  @Test func configurationFilesLoad() throws {
    // BSRNN's 31 bands.
    let text = try Preset.load("abl1").json.description
      .replacingOccurrences(of: "18,18,18,18,19,19,19", with: "16,16,16,16,16,16,16,17")
      .replacingOccurrences(of: "abl1", with: "bands31")
    let url = FileManager.default.temporaryDirectory
      .appending(path: "bands31-\(UUID().uuidString).json")
    try Data(text.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    let configuration = try Preset.load(url.path)
    #expect(configuration.bands.count == 31)
    #expect(configuration.bins == 257)
    let model = SpeechEnhancer(configuration: configuration, seed: 1)
    #expect(model.bandSplit.bands.map(\.width) == configuration.bands)
    #expect(model.decoder.bands[30].mask.weight.shape == [4 * 3 * 17, 512])
    let fixture = try golden("bandsplit_full31")
    let widths = try JSONValue(parsing: Array(try #require(fixture.metadata["bands"]).utf8))
    #expect(widths.integers == configuration.bands)
  }

  @Test(arguments: ["abl9", "", "Abl1"]) func unknownNamesListTheKnown(name: String) {
    let error = ConfigurationError.unknownPreset(name: name, known: Preset.names)
    #expect(throws: error) { try Preset.load(name) }
    #expect(error.description.contains("abl1, abl2, abl3"))
    #expect(error.description.contains("path of a JSON file"))
  }

  @Test func missingFilesAreNamed() {
    let path = "/nowhere/mine.json"
    #expect(
      throws: ConfigurationError.unreadable(file: path, reason: "there is no such file")
    ) { try Preset.load(path) }
  }
}
