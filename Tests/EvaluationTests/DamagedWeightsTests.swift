import Evaluation
import Files
import Foundation
import Models
import Testing
import TestSupport

/// Weights without checksums, as other programs write them, that were damaged at random.
struct DamagedWeightsTests {
  @Test func everyDamageIsReadOrRefused() throws {
    let configuration = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    let model = SpeechEnhancer(configuration: configuration, seed: 1)
    let file = try SafetensorsFile(
      data: WeightFile.serialized(model, program: "test 1"), path: "w")
    let metadata = file.metadata.filter { !$0.key.hasPrefix("checksum") }
    let whole = SafetensorsFile(entries: file.entries, metadata: metadata).serialized()
    try withTemporaryFolder { folder in
      let path = folder.file("w.safetensors")
      expectSentences(seed: 15, of: Array(whole)) { bytes in
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let read = try TrainedModel.load(weights: path, preset: nil)
        #expect(read.parameters.values.buffer.allSatisfy { $0.isFinite })
      }
    }
  }
}
