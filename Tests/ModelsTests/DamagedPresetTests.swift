import Files
import Foundation
import Models
import Testing
import TestSupport

/// Preset files that were damaged or mistyped: a model, or one sentence.
@Suite struct DamagedPresetTests {
  private static let marks = Array(#"{}[]":,.-+eE0019 \tnull"#.utf8) + [0, 0x80, 0xc3, 10]

  @Test func areReadOrRefusedInASentence() throws {
    var random = SplitMix64(seed: 15, label: "presets")
    let texts = try [tinyModel] + Preset.names.map { try "\(Preset.load($0).json)" }
    var refused = 0
    for index in 0..<300 {
      var bytes = Array(texts[index % texts.count].utf8)
      for _ in 0...random.below(3) {
        let place = random.below(bytes.count)
        let end = min(bytes.count, place + random.below(12))
        switch random.below(6) {
        case 0: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1: bytes[place] = Self.marks[random.below(Self.marks.count)]
        case 2: bytes.insert(Self.marks[random.below(Self.marks.count)], at: place)
        case 3: bytes.removeSubrange(place..<max(end, place + 1))
        case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
        default:
          for digit in place..<end where (0x30...0x39).contains(bytes[digit]) {
            bytes[digit] = 0x39
          }
        }
        if bytes.isEmpty { bytes = [0x20] }
      }
      do throws(ConfigurationError) {
        let configuration = try ModelConfiguration(parsing: bytes, file: "own.json")
        // Building is tested where it is quick.
        if configuration.features * configuration.layers * configuration.bands.count < 200 {
          _ = SpeechEnhancer(configuration: configuration, seed: 0).parameters.parameterCount
        }
      } catch {
        refused += 1
        let text = error.description
        #expect(
          text.contains("own.json") && text.split(separator: "\n").count == 1
            && !text.contains("Error("), "\(index): \(text)")
      }
    }
    #expect((150...299).contains(refused), "\(refused)")
  }

  @Test func faultsOfTheFormHaveAPlace() {
    let text = "{\n  \"name\": \"own\",\n  \"title\": \"Own\"\n  \"bands\": [257]\n}"
    let error = #expect(throws: ConfigurationError.self) {
      try ModelConfiguration(parsing: Array(text.utf8), file: "own.json")
    }
    #expect(
      error?.description == "own.json: the configuration is not valid JSON: line 4, column 3: a "
        + "comma or \"}\" is expected", "\(String(describing: error))")
  }
}
