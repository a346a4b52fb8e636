import Forecast
import Models
import Testing
import TestSupport

struct ModelMemoryTests {
  @Test func aModelThatFitsNowhereIsRefusedBeforeMemoryIsTaken() throws {
    let text = tinyModel.replacing("\"features\": 8", with: "\"features\": 2048")
      .replacing("\"layers\": 2", with: "\"layers\": 8")
    let model = try ModelConfiguration(parsing: Array(text.utf8), file: "tiny.json")
    let parameters = SpeechEnhancer.parameterCount(of: model)
    try ModelMemory.require(model, available: 16 * parameters)
    let error = #expect(throws: ModelMemoryError.self) {
      try ModelMemory.require(model, available: 16 * parameters - 1)
    }
    let start = "--preset tiny: its \(parameters) parameters take "
    #expect(error?.description.hasPrefix(start) == true)
  }
}
