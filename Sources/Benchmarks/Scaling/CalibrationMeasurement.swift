import Communication
import DistTrain
import Exchange
import Forecast
import Models
import Recipes

/// The measurement of a few steps and scores on this machine, for a plan.
package struct CalibrationMeasurement {
  package let model: ModelConfiguration
  package let cropSeconds: Double
  package let threads: Int
  package let recomputes: Bool
  package let exchange: ExchangeSettings

  /// Measurement of steps with crops of `cropSeconds`, of a rank with `threads` threads.
  package init(
    model: ModelConfiguration, cropSeconds: Double, threads: Int, recomputes: Bool,
    exchange: ExchangeSettings
  ) {
    self.model = model
    self.cropSeconds = cropSeconds
    self.threads = threads
    self.recomputes = recomputes
    self.exchange = exchange
  }

  /// Measures on one rank, while the machine should be otherwise idle.
  ///
  /// The plan is based on steps of two utterances. Steps of one utterance, which it can forecast,
  /// show how reliable the forecast is.
  package func run() throws -> BenchmarkFile<CalibrationFigures> {
    let step = try steps(batch: 2, count: 3)
    let single = try steps(batch: 1, count: 2)
    let enhancing = try EnhanceFigures.measure(
      model, seconds: StepModel.usualUtteranceSeconds, threads: 1, repeats: 2)
    let scoring = try PESQFigures.measure(
      seconds: StepModel.usualUtteranceSeconds, repeats: 2)
    let machine = BenchmarkMachine.current()
    let record = try BenchmarkFile(kind: "step", label: nil, machine: machine, figures: step)
      .stepRecord()
    let alone = SimulatedCluster(
      cost: AllReduceCost(network: .shared, shared: .shared), ranksPerHost: 1,
      coresPerHost: machine.cores)
    let forecast = StepForecast(StepModel(record), alone, ranks: 1, batch: 1)
    return BenchmarkFile(
      kind: "step", label: nil, machine: machine,
      figures: CalibrationFigures(
        step: step,
        scoringSecondsPerAudioSecond: enhancing.realTimeFactor
          + scoring.millisecondsPerAudioSecond / 1000,
        singleUtteranceDifference: forecast.seconds / single.stepSeconds - 1))
  }

  private func steps(batch: Int, count: Int) throws -> StepFigures {
    try StepBenchmark(
      configuration: TrainingConfiguration(model: model) {
        $0.batch = batch
        $0.cropSeconds = cropSeconds
      },
      threads: threads, recomputes: recomputes, exchange: exchange, steps: count, warmupSteps: 1
    ).run(over: LocalCommunicator())
  }
}

/// The figures of `bench step` and further figures for a plan, on one level.
package struct CalibrationFigures: Encodable {
  let step: StepFigures
  /// Time of one core to enhance and score a second of audio, in seconds.
  let scoringSecondsPerAudioSecond: Double
  /// Relative difference between the forecast and the measured time of a step of one utterance.
  let singleUtteranceDifference: Double

  private enum Key: String, CodingKey {
    case scoringSecondsPerAudioSecond, singleUtteranceDifference
  }

  package func encode(to encoder: any Encoder) throws {
    try step.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(scoringSecondsPerAudioSecond, forKey: .scoringSecondsPerAudioSecond)
    try container.encode(singleUtteranceDifference, forKey: .singleUtteranceDifference)
  }
}
