import Adversarial
import Checkpoints
import Communication
import DistTrain
import Foundation
import Loading
import Platform
import Recipes
import Tensor

/// The cost of a discriminator in the second half of the published recipe: four passes a step, with
/// labels, against the same step without. Times are in seconds.
package struct AdversarialFigures: Encodable {
  /// Median duration of a step with the discriminator.
  let stepSeconds: Double
  /// Median of the ratios of neighbouring steps, with the discriminator over without.
  let ratio: Double
  let ratioMinimum: Double
  let ratioMaximum: Double
  /// Passes of the discriminator in a step.
  let passes: Int
  /// Median time per step for which this rank waited for labels.
  let labelSeconds: Double
  /// Median time per step of the discriminator's own passes.
  let ownPassSeconds: Double
  /// Mean time of all passes, forward and backward, and of waiting for labels, of a step on one
  /// thread.
  let discriminatorForwardSeconds: Double
  let discriminatorBackwardSeconds: Double
  let labelWaitSeconds: Double

  /// The figures as lines.
  package var lines: [String] {
    let text = NumberText.self
    return [
      "discriminator  step "
        + text.figures(stepSeconds) + " s, "
        + String(format: "%.3f (%.3f … %.3f)", ratio, ratioMinimum, ratioMaximum)
        + " × the step without, \(text.count(passes, "pass", plural: "passes")) a step",
      "               forward \(text.milliseconds(discriminatorForwardSeconds)) ms, backward "
        + "\(text.milliseconds(discriminatorBackwardSeconds)) ms, waiting for labels "
        + "\(text.milliseconds(labelWaitSeconds)) ms a step",
    ]
  }
}

/// Steps with a discriminator, taken in turns with steps without.
final class AdversarialSteps {
  private let step: TrainingStep
  private let batch: LoadedBatch
  private var times = Samples()
  private var ratios = Samples()
  private var labelSeconds = Samples()
  private var ownSeconds = Samples()
  private var passes = 0

  /// Steps over `batch` that move the generator of `state`, over the ranks of `communicator`.
  init(
    _ benchmark: StepBenchmark, _ state: TrainingState, _ batch: LoadedBatch,
    over communicator: any Communicator
  ) throws {
    let settings = DiscriminatorRecipe(weight: 1)
    let adversarial = AdversarialState(settings, seed: benchmark.configuration.seed)
    step = try TrainingStep(
      state, clip: benchmark.configuration.clip, exchange: benchmark.exchange,
      adversary: AdversarialTraining(
        adversarial, settings, seed: benchmark.configuration.seed),
      labels: QualityLabels(
        settings.labels, sampleRate: benchmark.configuration.model.frontEnd.sampleRate,
        hasNoisy: settings.hasNoisyTerm, threads: benchmark.threads), over: communicator)
    self.batch = batch
  }

  /// Takes a step with the discriminator in use, and returns its seconds.
  ///
  /// - Throws: `BenchmarkError.notFinite`, `.unlabelled`, or the communicator's errors.
  @discardableResult
  func take(_ execution: Execution, model: String) throws -> Double {
    var outcome: TrainingStep.Outcome?
    let seconds = try secondsTaken {
      outcome = try step.run(
        batch, learningRate: 1e-4, execution, duel: .init(isUsed: true, learningRate: 1e-4))
    }
    guard let outcome, !outcome.isSkipped, let duel = outcome.duel else {
      throw BenchmarkError.notFinite(model: model)
    }
    guard duel.hasMoved else { throw BenchmarkError.unlabelled }
    passes = duel.passCount
    labelSeconds.add(duel.labelSeconds)
    ownSeconds.add(duel.seconds)
    return seconds
  }

  /// Takes a step, and compares it with the one before, which took `seconds` without.
  func compare(with seconds: Double, _ execution: Execution, model: String) throws {
    let own = try take(execution, model: model)
    times.add(own)
    ratios.add(own / seconds)
  }

  /// Forgets the waits of steps that are not timed.
  func beginTiming() {
    labelSeconds = Samples()
    ownSeconds = Samples()
  }

  /// The figures, after `count` further steps on one thread whose parts are measured.
  func figures(instrumented count: Int, recomputes: Bool, model: String) throws
    -> AdversarialFigures
  {
    let (labels, own) = (labelSeconds.median, ownSeconds.median)
    let profile = Profile()
    let execution = Execution(threads: 1, recomputes: recomputes, profile: profile)
    for _ in 0..<count { try take(execution, model: model) }
    func mean(_ part: Profile.Part, _ pass: Profile.Pass) -> Double {
      profile[part, pass].seconds / Double(max(1, count))
    }
    return AdversarialFigures(
      stepSeconds: times.median, ratio: ratios.median, ratioMinimum: ratios.minimum,
      ratioMaximum: ratios.maximum, passes: passes, labelSeconds: labels, ownPassSeconds: own,
      discriminatorForwardSeconds: mean(.discriminator, .forward),
      discriminatorBackwardSeconds: mean(.discriminator, .backward),
      labelWaitSeconds: mean(.labels, .forward))
  }
}
