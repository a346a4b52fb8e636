import Foundation
import Platform

/// Training several models at once: how many a day, and how long until all are trained.
///
/// The form in which MLPerf HPC reports throughput: M models, each on S ranks, K of them at a time.
package struct AblationThroughput: Codable, Equatable, Sendable {
  /// Models to train.
  package let models: Int
  /// Models that are trained at the same time.
  package let atOnce: Int
  /// Ranks of a model.
  package let ranksEach: Int
  /// Ranks in all.
  package let ranks: Int
  /// Seconds until one model is trained.
  package let secondsEach: Double
  /// Seconds until all are.
  package let seconds: Double
  /// Models that are finished in a day while all places are taken.
  package let modelsPerDay: Double

  /// `models` models of which each takes `secondsEach`.
  package init(models: Int, atOnce: Int, ranksEach: Int, secondsEach: Double) {
    precondition(
      models > 0 && atOnce > 0 && ranksEach > 0,
      "AblationThroughput: \(models) models, \(atOnce) at once, \(ranksEach) ranks each")
    let atOnce = min(models, atOnce)
    self.models = models
    self.atOnce = atOnce
    self.ranksEach = ranksEach
    ranks = atOnce * ranksEach
    self.secondsEach = secondsEach
    seconds = Double((models + atOnce - 1) / atOnce) * secondsEach
    modelsPerDay = Double(atOnce) * 86_400 / secondsEach
  }

  /// Steps of an epoch: ⌈utterances / global batch⌉.
  package static func stepsPerEpoch(utterances: Int, globalBatch: Int) -> Int {
    (utterances + globalBatch - 1) / globalBatch
  }
}

extension AblationThroughput: CustomStringConvertible {
  /// "3 models, 2 ranks each, 6 ranks in all: 1.2 models/day, all trained in 60.0 h".
  package var description: String {
    let waves = atOnce == models ? "" : ", \(atOnce) at a time"
    return "\(NumberText.count(models, "model")), \(NumberText.count(ranksEach, "rank")) each"
      + "\(waves), \(NumberText.count(ranks, "rank")) in all: "
      + "\(NumberText.figures(modelsPerDay)) models/day, all trained in "
      + "\(NumberText.figures(seconds / 3600)) h"
  }
}

/// What a training is made of, for the time that it takes.
package struct TrainingPlan: Equatable, Sendable {
  /// Training utterances.
  package var utterances: Int
  package var epochs: Int
  package var models: Int
  /// Models at the same time.
  package var atOnce: Int
  /// Steps after which an epoch ends early; nil for all of the utterances.
  package var stepLimit: Int?

  /// Puts the parts together.
  package init(
    utterances: Int = 11_572, epochs: Int = 100, models: Int = 3, atOnce: Int? = nil,
    stepLimit: Int? = nil
  ) {
    self.utterances = utterances
    self.epochs = epochs
    self.models = models
    self.atOnce = atOnce ?? models
    self.stepLimit = stepLimit
  }

  /// Steps of an epoch.
  package func stepsPerEpoch(globalBatch: Int) -> Int {
    let all = AblationThroughput.stepsPerEpoch(utterances: utterances, globalBatch: globalBatch)
    return min(all, stepLimit ?? all)
  }

  /// The models on `ranks` ranks each, if an epoch takes `epochSeconds`.
  package func throughput(ranks: Int, epochSeconds: Double) -> AblationThroughput {
    AblationThroughput(
      models: models, atOnce: atOnce, ranksEach: ranks,
      secondsEach: Double(epochs) * epochSeconds)
  }

  /// The models on `ranks` ranks each with steps of `stepSeconds`, validation not counted.
  package func throughput(
    ranks: Int, globalBatch: Int, stepSeconds: Double
  ) -> AblationThroughput {
    throughput(
      ranks: ranks,
      epochSeconds: Double(stepsPerEpoch(globalBatch: globalBatch)) * stepSeconds)
  }
}
