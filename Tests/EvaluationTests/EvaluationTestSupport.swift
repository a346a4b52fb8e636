import Evaluation
import Models
import TestSupport

extension EnhanceFixture {
  /// The fixture's model with its weights.
  static func model() throws -> SpeechEnhancer {
    try TrainedModel.load(weights: weights, preset: preset)
  }
}
