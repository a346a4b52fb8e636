import Files
import Foundation
import Models
import Testing
import TestSupport

/// Presets that were damaged at random, or by a slip of the pen.
struct DamagedConfigurationTests {
  @Test(arguments: Preset.names)
  func everyDamageIsReadOrRefused(preset: String) throws {
    let text = Array(try Preset.load(preset).json.description.utf8)
    expectSentences(seed: 15, of: text) { bytes in
      do {
        let configuration = try ModelConfiguration(parsing: bytes, file: "p.json")
        #expect(SpeechEnhancer.parameterCount(of: configuration) <= 1 << 31)
      } catch {
        #expect("\(error)".hasPrefix("p.json: "))
        throw error
      }
    }
  }

  @Test func aLineBreakInAKeyIsWrittenAsJSON() throws {
    let text = tinyModel.replacing("\"name\"", with: "\"\\name\"")
    let error = #expect(throws: ConfigurationError.self) {
      try ModelConfiguration(parsing: Array(text.utf8), file: "p.json")
    }
    #expect(error?.description.hasPrefix("p.json: unknown key \"\\name\"; allowed") == true)
  }

  @Test func longKeysAndValuesAreCut() throws {
    let long = String(repeating: "9", count: 5000)
    for text in [
      tinyModel.replacing("\"name\"", with: "\"\(long)\""),
      tinyModel.replacing("\"features\": 8", with: "\"features\": \"\(long)\""),
    ] {
      let error = #expect(throws: ConfigurationError.self) {
        try ModelConfiguration(parsing: Array(text.utf8), file: "p.json")
      }
      #expect(try #require(error).description.count < 400)
    }
  }

  @Test func aModelTooLargeForAnyMachineIsRefused() throws {
    let text = tinyModel.replacing("\"features\": 8", with: "\"features\": 8192")
      .replacing("\"layers\": 2", with: "\"layers\": 256")
    let error = #expect(throws: ConfigurationError.self) {
      try ModelConfiguration(parsing: Array(text.utf8), file: "p.json")
    }
    guard case .tooLarge(_, let parameters, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(parameters > 1 << 31)
  }

  @Test func parametersAreCountedWithoutMemory() throws {
    for preset in Preset.names {
      let configuration = try Preset.load(preset)
      let model = SpeechEnhancer(configuration: configuration, seed: 0)
      #expect(
        SpeechEnhancer.parameterCount(of: configuration) == model.parameters.parameterCount)
    }
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
