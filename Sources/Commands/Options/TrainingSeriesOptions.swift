import ArgumentParser
import Forecast

/// Size of a training, for the commands that forecast its time.
struct TrainingSeriesOptions: ParsableArguments {
  @Option(help: "Training utterances of an epoch.") var utterances = 11_572
  @Option(help: "Epochs of a training.") var epochs = 100
  @Option(help: "Models to train.") var models = 3
  @Option(help: "Models that are trained at the same time, each on its own ranks. Default: all.")
  var atOnce: Int?

  func validate() throws {
    for (flag, value) in [
      ("--utterances", utterances), ("--epochs", epochs), ("--models", models),
      ("--at-once", atOnce),
    ] { try Flags.require(flag, value, atLeast: 1) }
  }

  var series: TrainingSeries {
    TrainingSeries(utterances: utterances, epochs: epochs, models: models, atOnce: atOnce)
  }
}
