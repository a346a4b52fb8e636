import Foundation
import Recipes
import Testing

@Suite struct LearningRateScheduleTests {
  private func schedule(
    _ decay: LearningRateSchedule.Decay, steps: Int = 1_000, warmup: Int = 0
  ) throws -> LearningRateSchedule {
    try LearningRateSchedule(
      ScheduleSettings(decay), base: 1e-3, stepsPerEpoch: 7, totalSteps: steps, warmupSteps: warmup)
  }

  @Test func publishedRecipeFallsEveryTenEpochs() throws {
    let schedule = try schedule(.step)
    for step in 0..<1_000 {
      let epoch = step / 7
      let expected = 1e-3 * pow(0.98, Double(epoch / 10))
      #expect(schedule.rate(atStep: step) == expected, "step \(step)")
    }
    #expect(schedule.rate(atStep: 69) == 1e-3)
    #expect(schedule.rate(atStep: 70) == 1e-3 * 0.98)
  }

  @Test func cosineEndsAtExactlyZero() throws {
    for warmup in [0, 1, 100, 999] {
      let schedule = try schedule(.cosine, warmup: warmup)
      #expect(schedule.rate(atStep: warmup) == 1e-3)
      #expect(schedule.rate(atStep: 1_000) == 0)
      #expect(schedule.rate(atStep: 5_000) == 0)
      #expect(schedule.rate(atStep: 999) > 0)
      for step in max(warmup, 1)..<1_000 {
        let rate = schedule.rate(atStep: step)
        #expect(step == warmup || rate < schedule.rate(atStep: step - 1), "step \(step)")
      }
    }
    let middle = try schedule(.cosine).rate(atStep: 500)
    #expect(abs(middle - 0.5e-3) < 1e-18)
  }

  @Test(arguments: LearningRateSchedule.Decay.allCases)
  func warmUpRisesLinearlyToTheBase(decay: LearningRateSchedule.Decay) throws {
    let schedule = try schedule(decay, warmup: 20)
    #expect(schedule.rate(atStep: 0) == 1e-3 / 20)
    #expect(schedule.rate(atStep: 19) == 1e-3)
    for step in 0..<20 {
      #expect(abs(schedule.rate(atStep: step) - 1e-3 * Double(step + 1) / 20) < 1e-18)
    }
    #expect(schedule.rate(atStep: 20) <= 1e-3)
  }

  @Test func constantStays() throws {
    let schedule = try schedule(.constant)
    #expect((0..<2_000).allSatisfy { schedule.rate(atStep: $0) == 1e-3 })
  }

  @Test func namesAreDecodedAndUnknownOnesListTheAllowed() throws {
    for decay in LearningRateSchedule.Decay.allCases {
      #expect(try LearningRateSchedule.Decay(name: decay.rawValue) == decay)
      let encoded = try JSONEncoder().encode([decay])
      #expect(try JSONDecoder().decode([LearningRateSchedule.Decay].self, from: encoded) == [decay])
    }
    let json = Data(#"["linear"]"#.utf8)
    let error = #expect(throws: LearningRateScheduleError.self) {
      try JSONDecoder().decode([LearningRateSchedule.Decay].self, from: json)
    }
    #expect(
      error?.description
        == "learning-rate schedule \"linear\" is unknown; use one of: step, "
        + "exponential, cosine, constant, plateau")
  }

  @Test func impossibleNumbersAreErrors() {
    func make(
      base: Double = 1e-3, perEpoch: Int = 10, total: Int = 100, warmup: Int = 0
    ) throws {
      _ = try LearningRateSchedule(
        ScheduleSettings(.step), base: base, stepsPerEpoch: perEpoch, totalSteps: total,
        warmupSteps: warmup)
    }
    for base in [0, -1, Double.nan, .infinity] {
      #expect(throws: LearningRateScheduleError.self) { try make(base: base) }
    }
    #expect(throws: LearningRateScheduleError.self) { try make(perEpoch: 0) }
    #expect(throws: LearningRateScheduleError.self) { try make(total: 0) }
    #expect(throws: LearningRateScheduleError.self) { try make(warmup: -1) }
    let error = #expect(throws: LearningRateScheduleError.self) { try make(warmup: 100) }
    #expect(
      error?.description
        == "number of warm-up steps is 100, but must be at least 0 and below the run's 100 steps; "
        + "lower --warmup or the recipe's \"warmup\", or train for more epochs")
  }
}
