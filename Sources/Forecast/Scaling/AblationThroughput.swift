import Foundation
import Platform

/// The throughput of training several models at once: models per day, and the time until all are
/// trained.
///
/// MLPerf HPC reports throughput in this form: M models, each on S ranks, K of them at a time.
package struct AblationThroughput: Codable, Equatable, Sendable {
  /// Number of models to train.
  package let models: Int
  /// Number of models that are trained at the same time.
  package let atOnce: Int
  /// Number of ranks of a model.
  package let ranksEach: Int
  /// Total number of ranks.
  package let ranks: Int
  /// Time until one model is trained, in seconds.
  package let secondsEach: Double
  /// Time until all models are trained, in seconds.
  package let seconds: Double
  /// Number of models that are finished per day while all ranks are in use.
  package let modelsPerDay: Double

  /// The throughput of `models` models of which each takes `secondsEach`.
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

  /// Number of steps of an epoch, ⌈utterances / global batch⌉.
  package static func stepsPerEpoch(utterances: Int, globalBatch: Int) -> Int {
    (utterances + globalBatch - 1) / globalBatch
  }
}

extension AblationThroughput: CustomStringConvertible {
  /// The throughput as text, such as "3 models, 2 ranks each, 6 ranks in all: 1.2 models/day, all
  /// trained in 60.0 h".
  package var description: String {
    let waves = atOnce == models ? "" : ", \(atOnce) at a time"
    return "\(NumberText.count(models, "model")), \(NumberText.count(ranksEach, "rank")) each"
      + "\(waves), \(NumberText.count(ranks, "rank")) in all: "
      + "\(NumberText.figures(modelsPerDay)) models/day, all trained in "
      + "\(NumberText.figures(seconds / 3600)) h"
  }
}

/// The amounts of some trainings that determine their duration.
package struct TrainingSeries: Equatable, Sendable {
  /// Number of training utterances.
  package var utterances: Int
  package var epochs: Int
  package var models: Int
  /// Number of models that are trained at the same time.
  package var atOnce: Int
  /// Number of steps after which an epoch ends early; nil for epochs over all utterances.
  package var stepLimit: Int?

  /// Series of the published ablation unless told otherwise; all models train at once without
  /// `atOnce`.
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

  /// Number of steps of an epoch.
  package func stepsPerEpoch(globalBatch: Int) -> Int {
    let all = AblationThroughput.stepsPerEpoch(utterances: utterances, globalBatch: globalBatch)
    return min(all, stepLimit ?? all)
  }

  /// Throughput of the models on `ranks` ranks each, if an epoch takes `epochSeconds`.
  package func throughput(ranks: Int, epochSeconds: Double) -> AblationThroughput {
    AblationThroughput(
      models: models, atOnce: atOnce, ranksEach: ranks,
      secondsEach: Double(epochs) * epochSeconds)
  }

  /// Throughput of the models on `ranks` ranks each with steps of `stepSeconds`, without
  /// validation.
  package func throughput(
    ranks: Int, globalBatch: Int, stepSeconds: Double
  ) -> AblationThroughput {
    throughput(
      ranks: ranks,
      epochSeconds: Double(stepsPerEpoch(globalBatch: globalBatch)) * stepSeconds)
  }
}
