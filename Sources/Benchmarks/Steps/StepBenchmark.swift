import CPlatform
import Checkpoints
import Communication
import DistTrain
import Exchange
import Forecast
import Foundation
import Loading
import Metrics
import Platform
import Recipes
import Tensor

/// Measures training steps on audio made in memory: the trainer's own step, over the communicator
/// of the ranks.
package struct StepBenchmark {
  package let configuration: TrainingConfiguration
  package let threads: Int
  package let recomputes: Bool
  package let exchange: ExchangeSettings
  package let steps: Int
  package let warmupSteps: Int
  /// Whether steps with a discriminator are taken in turns with those that are measured.
  package let isAdversarial: Bool

  /// Benchmark of `steps` timed steps after `warmupSteps` that are not timed. With
  /// `isAdversarial` each is followed by one with the published discriminator in use.
  package init(
    configuration: TrainingConfiguration, threads: Int, recomputes: Bool,
    exchange: ExchangeSettings, steps: Int, warmupSteps: Int, isAdversarial: Bool = false
  ) {
    self.configuration = configuration
    self.threads = threads
    self.recomputes = recomputes
    self.exchange = exchange
    self.steps = steps
    self.warmupSteps = warmupSteps
    self.isAdversarial = isAdversarial
  }

  /// Measures the figures of this rank. All ranks call this together.
  ///
  /// - Throws: `BenchmarkError.notFinite`, or the communicator's errors.
  package func run(over communicator: any Communicator) throws -> StepFigures {
    let copy = CopyBandwidth.measure()
    let product = LargeProduct.measure()
    var peak = Samples()
    peak.add(CoreLimits.measureFlops())

    // Memory of the measurements above must not count as memory of the steps.
    platform_return_freed_memory()
    let isExact = ResidentMemory.forgetPeak()
    let state = TrainingState(configuration)
    let step = try TrainingStep(
      state, clip: configuration.clip, exchange: exchange, over: communicator)
    let (items, crops) = makeItems(rank: communicator.rank)
    let batch = LoadedBatch(items, crops: crops)
    let adversarial =
      isAdversarial
      ? try AdversarialSteps(self, state, batch, over: communicator) : nil
    let name = configuration.model.name
    let residentBefore = ResidentMemory.current

    var exchanged: GradientExchange.Outcome?
    var taken = StepTimes()
    func take(_ execution: Execution) throws -> Double {
      // The ranks measure their peaks between steps and finish one after another.
      try communicator.barrier()
      var outcome: TrainingStep.Outcome?
      let seconds = try secondsTaken {
        outcome = try step.run(batch, learningRate: 1e-4, execution)
      }
      guard let outcome, !outcome.isSkipped else {
        throw BenchmarkError.notFinite(model: configuration.model.name)
      }
      exchanged = outcome.exchanged
      taken = StepTimes(outcome, seconds: seconds)
      return seconds
    }

    func slowest(_ seconds: Double?) throws -> Double {
      Double(try communicator.allReduceMax(Int64((seconds ?? 0) * 1e9))) / 1e9
    }

    func fastest(_ seconds: Double?) throws -> Double { -(try slowest(seconds.map { -$0 })) }

    let execution = Execution(threads: threads, recomputes: recomputes)
    for _ in 0..<warmupSteps {
      _ = try take(execution)
      try adversarial?.take(execution, model: name)
    }
    adversarial?.beginTiming()
    peak.add(CoreLimits.measureFlops())
    var times = Samples()
    var exposed = Samples()
    var exposedToLast = Samples()
    var transfer = Samples()
    var splits: [StepTimes] = []
    for _ in 0..<steps {
      let seconds = try take(execution)
      times.add(seconds)
      splits.append(taken)
      // The exposed time is that of the rank that waited longest, since it delays all ranks.
      exposed.add(try slowest(exchanged?.exposedSeconds))
      // The last rank to arrive waits for messages only, not for other ranks.
      exposedToLast.add(try fastest(exchanged?.exposedSeconds))
      transfer.add(try slowest(exchanged?.transferSeconds))
      if let adversarial {
        try communicator.barrier()
        try adversarial.compare(with: seconds, execution, model: name)
      }
      peak.add(CoreLimits.measureFlops())
    }
    let residentPeak = try communicator.allReduceMax(Int64(ResidentMemory.highWaterMark()))

    let profile = Profile()
    let instrumented = Execution(threads: 1, recomputes: recomputes, profile: profile)
    let instrumentedSteps = min(steps, 3)
    var instrumentedTime = 0.0
    for _ in 0..<instrumentedSteps { instrumentedTime += try take(instrumented) }
    peak.add(CoreLimits.measureFlops())
    let scaling = try StepScaling(
      times: StepTimes.ofAllRanks(splits, over: communicator),
      forwardShare: profile.forwardShare,
      clip: profile[.clip, .backward].seconds / Double(instrumentedSteps),
      parameterCount: state.model.parameters.count,
      ranksPerHost: Int(try communicator.allReduceMax(Int64(communicator.hostSize))),
      readiness: Readiness.measure(state.model, items[0], execution))

    let duel = try adversarial?.figures(
      instrumented: instrumentedSteps, recomputes: recomputes, model: name)
    return StepFigures(
      configuration: configuration, threads: threads, ranks: communicator.worldSize,
      recomputes: recomputes,
      exchange: .init(
        settings: exchange, buckets: step.bucketCount, together: step.itemsBesideTransfer,
        exposed: exposed.median, exposedToLast: exposedToLast.median,
        transfer: transfer.median),
      times: times, peak: peak, copy: copy, product: product,
      memory: .init(before: residentBefore, peak: Int(residentPeak), isExact: isExact),
      scaling: scaling, profile: profile, instrumentedSteps: instrumentedSteps,
      instrumentedStepSeconds: instrumentedTime / Double(instrumentedSteps), adversarial: duel)
  }

  /// Makes a batch of voices in noise, each with noise of its own.
  private func makeItems(
    rank: Int
  ) -> (items: [BatchItem], crops: [BatchCrop]) {
    let frontEnd = configuration.model.frontEnd
    let count = frontEnd.sampleCount(seconds: configuration.cropSeconds)
    func stream(_ index: Int) -> String { "bench \(rank) \(index)" }
    let items = (0..<configuration.batch).map {
      TestSignals.pair(frontEnd, sampleCount: count, stream: stream($0))
    }
    guard isAdversarial else { return (items, []) }
    let crops = (0..<configuration.batch).map { index in
      let samples = TestSignals.utterance(
        sampleCount: count, sampleRate: frontEnd.sampleRate, stream: stream(index))
      return BatchCrop(
        utterance: rank * configuration.batch + index, clean: samples.clean,
        noisy: samples.noisy)
    }
    return (items, crops)
  }
}

/// Reasons for which there are no figures.
enum BenchmarkError: Error, Equatable, CustomStringConvertible {
  /// A loss or gradient was not finite.
  case notFinite(model: String)
  /// The crops have no PESQ, so that there is nothing for a discriminator to learn.
  case unlabelled

  /// One sentence that says what to do.
  var description: String {
    switch self {
    case .notFinite(let model):
      "a step of \"\(model)\" had a loss or gradient that is not finite, so its time means "
        + "nothing; disttrain check shows what is wrong with the model"
    case .unlabelled:
      "--adversarial: the estimates of the model have no pesq, which needs crops of at least a "
        + "quarter of a second at \(PESQ.sampleRate) Hz; give --seconds 2 and a preset of that rate"
    }
  }
}
