import Forecast
import Foundation
import Testing

/// The parts of a forecast, against cases by hand.
@Suite struct ForecastTests {
  @Test func expectedMaxima() {
    // Known values, the last digits of which are rounded.
    let root = Double.pi.squareRoot()
    for (count, expected) in [
      (1, 0), (2, 1 / root), (3, 1.5 / root), (5, 1.16296), (10, 1.53875), (100, 2.50759),
      (1000, 3.24144),
    ] {
      let value = ExpectedMaximum.ofNormals(count)
      #expect(abs(value - expected) < 1e-5, "\(count): \(value)")
    }
    // As they are quoted, to two digits.
    for (count, expected) in [
      (2, 0.57), (8, 1.41), (32, 2.06), (128, 2.57), (512, 3.06), (1024, 3.24),
    ] {
      let value = ExpectedMaximum.ofNormals(count)
      #expect(abs(value - expected) < 0.03, "\(count): \(value)")
    }
    // 5% of jitter caps efficiency at 90.7% for 32 ranks.
    #expect(abs(1 / (1 + 0.05 * ExpectedMaximum.ofNormals(32)) - 0.907) < 0.002)
  }

  @Test func bucketsGoOneAfterAnother() {
    // The second waits for the first, the third for its gradients.
    let schedule = BucketSchedule(ready: [1, 2, 8], seconds: [3, 1, 2], backward: 9)
    #expect(schedule.ends == [4, 5, 10])
    #expect(schedule.exposed == 1)
    #expect(abs(schedule.overlapFraction - (1 - 1.0 / 6)) < 1e-12)
    // All at the end: nothing is hidden.
    let after = BucketSchedule(ready: [9, 9, 9], seconds: [3, 1, 2], backward: 9)
    #expect(after.ends == [12, 13, 15] && after.exposed == 6 && after.overlapFraction == 0)
    // A network that is fast enough hides all but the last bucket.
    let fast = BucketSchedule(ready: [1, 2, 9], seconds: [0.5, 0.5, 0.5], backward: 9)
    #expect(fast.exposed == 0.5)
    let none = BucketSchedule(ready: [], seconds: [], backward: 9)
    #expect(none.exposed == 0 && none.overlapFraction == 1)
  }

  @Test func gradientsAreFinalFromTheEnd() {
    let schedule = [
      Readiness(from: 900, fraction: 0.1), Readiness(from: 500, fraction: 0.6),
      Readiness(from: 0, fraction: 1),
    ]
    for (element, expected) in [(950, 0.1), (900, 0.1), (899, 0.6), (500, 0.6), (499, 1), (0, 1)] {
      #expect(Readiness.fraction(of: element, in: schedule) == expected, "\(element)")
    }
    #expect(Readiness.fraction(of: 3, in: []) == 1)
  }

  /// Two buckets of 64 bytes; the second half of the gradients is final after half of backward.
  private let step = StepModel(
    forward: 0.1, backward: 0.2, optimizer: 0.01, parameterCount: 16,
    readiness: [Readiness(from: 8, fraction: 0.5), Readiness(from: 0, fraction: 1)])

  private func cluster(alpha: Double) -> SimulatedCluster {
    let link = NetworkModel(name: "link", alpha: alpha, bandwidth: 1e12)
    return SimulatedCluster(
      cost: AllReduceCost(network: link, shared: link), ranksPerHost: 1, coresPerHost: 1,
      bucketBytes: 64, sideBySide: 2)
  }

  private func isClose(_ first: Double, _ second: Double) -> Bool { abs(first - second) < 1e-9 }

  @Test func aStepIsTheSumOfItsParts() {
    // A bucket takes 2·(2 − 1) messages of 0.15 s; backward of two utterances side by side 0.4 s.
    // The first is ready at 0.2 and done at 0.5, the second, ready at 0.4, at 0.8.
    let forecast = StepForecast(step, cluster(alpha: 0.15), ranks: 2, batch: 3)
    #expect(isClose(forecast.compute, 0.9) && forecast.sharing == 0 && forecast.jitter == 0)
    #expect(isClose(forecast.exposed, 0.4), "\(forecast)")
    #expect(isClose(forecast.transfer, 0.6))
    #expect(isClose(forecast.seconds, 0.9 + 0.4 + 0.01), "\(forecast)")
    // One utterance side by side: ready at 0.1 and 0.2, done at 0.4 and 0.7 after 0.2 s.
    var narrow = cluster(alpha: 0.15)
    narrow.sideBySide = 1
    #expect(isClose(StepForecast(step, narrow, ranks: 2, batch: 3).exposed, 0.5))
    narrow.overlaps = false
    #expect(isClose(StepForecast(step, narrow, ranks: 2, batch: 3).exposed, 0.6))
    let alone = StepForecast(step, cluster(alpha: 0.15), ranks: 1, batch: 3)
    #expect(alone.exposed == 0 && isClose(alone.seconds, 0.91), "\(alone)")
  }

  @Test func ranksThatShareCoresTakeTurns() {
    var crowded = cluster(alpha: 0)
    crowded.ranksPerHost = 4
    crowded.coresPerHost = 2
    let forecast = StepForecast(step, crowded, ranks: 4, batch: 1)
    let expected = 2 * 0.3 * (1 + StepForecast.sharingOverhead)
    #expect(isClose(forecast.compute + forecast.sharing, expected), "\(forecast)")
    // Half as many have a core each.
    #expect(StepForecast(step, crowded, ranks: 2, batch: 1).sharing == 0)
  }

  @Test func messagesTakeFromComputing() {
    let network = NetworkModel(
      name: "network", alpha: 0, bandwidth: 1e12, processorSecondsPerByte: 1e-3)
    let memory = NetworkModel(
      name: "memory", alpha: 0, bandwidth: 1e12, processorSecondsPerByte: 1e-4)
    let cluster = SimulatedCluster(
      cost: AllReduceCost(network: network, shared: memory), ranksPerHost: 2, coresPerHost: 2)
    // 128 bytes in quarters: twice sent to two ranks elsewhere and one here, and as many received.
    let forecast = StepForecast(step, cluster, ranks: 4, batch: 1)
    #expect(isClose(forecast.progress, 4 * 32 * (2 * 1e-3 + 1e-4)), "\(forecast)")
    #expect(StepForecast(step, cluster, ranks: 1, batch: 1).progress == 0)
  }

  @Test func theSlowestRankSetsThePace() {
    var uneven = cluster(alpha: 0)
    uneven.jitter = 0.1
    let forecast = StepForecast(step, uneven, ranks: 2, batch: 1)
    #expect(isClose(forecast.jitter, 0.03 / Double.pi.squareRoot()), "\(forecast)")
  }

  @Test func epochsAndTheirMainLosses() {
    let epoch = SimulatedEpoch(
      series: TrainingSeries(utterances: 100, epochs: 10, models: 3), validationUtterances: 10,
      validationSeconds: 1, checkpointSeconds: 0.5, maximumGlobalBatch: 8)
    let simulator = ScalingSimulator(
      step: step, cluster: cluster(alpha: 0.15), epoch: epoch, batch: 3, globalBatch: 8)
    let one = simulator.row(ranks: 1)
    // ⌈100/3⌉ steps of 0.91 s, ten utterances of 1 s, two checkpoints.
    #expect(one.stepsPerEpoch == 34)
    #expect(isClose(one.epochSeconds, 34 * 0.91 + 10 + 1), "\(one)")
    #expect(one.mainLoss == .validation && isClose(one.mainLossShare, 10 / one.epochSeconds))
    #expect(one.weakEfficiency == 1 && one.strongEfficiency == 1 && !one.isBatchTooLarge)
    let three = simulator.row(ranks: 3)
    #expect(three.globalBatch == 9 && three.stepsPerEpoch == 12 && three.isBatchTooLarge)
    #expect(three.mainLoss == .communication, "\(three)")
    #expect(isClose(three.weakEfficiency, 0.91 / three.stepSeconds))
    // 8 utterances on 3 ranks are 3, 3 and 2: as long as three on each.
    #expect(isClose(three.strongEfficiency, (8 * 0.3 + 0.01) / (3 * three.stepSeconds)))
    #expect(isClose(three.throughput.secondsEach, 10 * three.epochSeconds))
  }

  @Test func modelsADay() {
    // 5 models of two hours, two at a time: three rounds.
    let some = AblationThroughput(models: 5, atOnce: 2, ranksEach: 4, secondsEach: 7200)
    #expect(some.ranks == 8 && some.seconds == 21_600 && some.modelsPerDay == 24)
    #expect(
      "\(some)"
        == "5 models, 4 ranks each, 2 at a time, 8 ranks in all: 24.0 models/day, all trained in "
        + "6.00 h")
    let all = TrainingSeries(utterances: 11_572, epochs: 100, models: 3)
      .throughput(ranks: 2, globalBatch: 12, stepSeconds: 2)
    // 965 steps of 2 s, 100 times.
    #expect(all.secondsEach == 193_000 && all.ranks == 6 && all.seconds == 193_000)
    #expect("\(all)".hasPrefix("3 models, 2 ranks each, 6 ranks in all: 1.34 models/day"), "\(all)")
  }
}
