import ArgumentParser
import Forecast

/// What is to be trained, for the commands that say how long it takes.
struct PlanOptions: ParsableArguments {
  @Option(help: "Training utterances of an epoch.") var utterances = 11_572
  @Option(help: "Epochs of a training.") var epochs = 100
  @Option(help: "Models to train.") var models = 3
  @Option(help: "Models that are trained at the same time, each on its own ranks. Default: all.")
  var atOnce: Int?

  func validate() throws {
    try BenchOutput.require(utterances > 0, "--utterances must be at least 1, not \(utterances)")
    try BenchOutput.require(epochs > 0, "--epochs must be at least 1, not \(epochs)")
    try BenchOutput.require(models > 0, "--models must be at least 1, not \(models)")
    if let atOnce {
      try BenchOutput.require(atOnce > 0, "--at-once must be at least 1, not \(atOnce)")
    }
  }

  var plan: TrainingPlan {
    TrainingPlan(utterances: utterances, epochs: epochs, models: models, atOnce: atOnce)
  }
}
