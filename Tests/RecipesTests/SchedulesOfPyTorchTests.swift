import Foundation
import Recipes
import Testing

/// Schedules against the recurrences of `torch.optim.lr_scheduler`, step by step.
@Suite struct SchedulesOfPyTorchTests {
  /// `ExponentialLR`: lr ← lr·γ after every epoch; `StepLR`: lr ← lr·γ after every n-th.
  @Test(arguments: [(1, 0.99), (10, 0.98), (30, 0.5)])
  func chainsOfFactors(every: Int, gamma: Double) throws {
    var settings = ScheduleSettings(every == 1 ? .exponential : .step)
    settings.factor = gamma
    settings.epochs = every
    let schedule = try LearningRateSchedule(
      settings, base: 5e-4, stepsPerEpoch: 3, totalSteps: 600)
    var rate = 5e-4
    for epoch in 0..<200 {
      if epoch > 0 && epoch % every == 0 { rate *= gamma }
      for step in 0..<3 {
        let found = schedule.rate(atStep: 3 * epoch + step)
        #expect(abs(found - rate) <= 1e-13 * rate, "epoch \(epoch)")
      }
    }
  }

  /// `ReduceLROnPlateau(mode="max", threshold_mode="abs")`, as its `step` is written.
  @Test(arguments: [0, 1, 3], [0.0, 0.05])
  func plateauFollowsScores(patience: Int, threshold: Double) {
    var settings = ScheduleSettings(.plateau)
    settings.factor = 0.5
    settings.patience = patience
    settings.threshold = threshold
    var random = SystemOfScores(seed: 7)
    var (best, bad, rate) = (-Double.infinity, 0, 1.0)
    var plateau = PlateauProgress()
    var falls = 0
    for _ in 0..<200 {
      let score = random.next()
      if score > best + threshold {
        best = score
        bad = 0
      } else {
        bad += 1
      }
      if bad > patience {
        rate *= 0.5
        bad = 0
        falls += 1
      }
      plateau.observe(score, settings)
      #expect(plateau.factor == rate && plateau.badEpochs == bad && plateau.best == best)
    }
    #expect(falls > 3)
    plateau.forgetBest()
    plateau.observe(-100, settings)
    #expect(plateau.best == -100 && plateau.factor == rate)
  }

  @Test func warmUpCountsEpochs() throws {
    #expect(Recipe.Warmup.epochs(1.5).steps(perEpoch: 7) == 11)
    #expect(Recipe.Warmup.steps(4).steps(perEpoch: 7) == 4)
  }
}

/// Scores that rise slowly under noise, some below zero.
private struct SystemOfScores {
  private var state: UInt64
  private var count = 0

  init(seed: UInt64) { state = seed }

  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    count += 1
    return Double(state >> 40) / Double(1 << 24) + log(Double(count)) - 2
  }
}
