import Checkpoints
import DistTrain
import Forecast
import Foundation
import Models
import Recipes
import Testing

/// Plans of a calibration whose numbers are easy, against sums by hand.
@Suite struct RunPlanTests {
  /// An utterance takes 0.3 s, the rest of a step 0.01 s, activations half a megabyte.
  private let calibration = PlanCalibration(
    preset: "abl3",
    step: StepModel(forward: 0.1, backward: 0.2, optimizer: 0.01, parameterCount: 1000),
    jitter: 0, memory: .init(before: 100_000, activations: 500_000),
    scoringSecondsPerAudioSecond: 0.05)

  /// Two nodes of two ranks with three utterances each, over links that cost nothing.
  private func request(
    nodes: Int = 2, _ change: (inout PlanRequest) -> Void = { _ in }
  ) throws -> PlanRequest {
    let link = NetworkModel(name: "link", alpha: 0, bandwidth: 1e15)
    var request = PlanRequest(
      configuration: TrainingConfiguration(model: try Preset.load("abl3")) {
        $0.epochs = 10
        $0.batch = 3
      },
      parameterCount: 990, nodes: nodes, ranksPerNode: 2,
      corpus: CorpusSize(
        trainingUtterances: 100, validationUtterances: 10, validationUtteranceSeconds: 2),
      cost: AllReduceCost(network: link, shared: link), memoryPerNode: 8_000_000)
    change(&request)
    return request
  }

  private func plan(
    nodes: Int = 2, _ change: (inout PlanRequest) -> Void = { _ in }
  ) throws -> RunPlan {
    try RunPlan(try request(nodes: nodes, change), calibration)
  }

  private func isClose(_ first: Double, _ second: Double) -> Bool { abs(first - second) < 1e-7 }

  @Test func timesAreSumsOfTheirParts() throws {
    let plan = try plan { $0.wallTime = 70 }
    #expect(plan.ranks == 4 && plan.globalBatch == 12 && plan.parameterCount == 990)
    // ⌈100/12⌉ steps of 3 · 0.3 + 0.01 s; 96 utterances are in the others.
    #expect(plan.stepsPerEpoch == 9 && plan.lastStepUtterances == 4)
    #expect(isClose(plan.stepSeconds, 0.91), "\(plan.step)")
    #expect(isClose(plan.trainingSeconds, 8.19))
    // Three utterances of 2 s on the rank with most.
    #expect(isClose(plan.validationSeconds, 0.3))
    #expect(isClose(plan.checkpointSeconds, 2 * 12_000 / 200e6))
    #expect(isClose(plan.epochSeconds, 8.19 + 0.3 + 0.00012))
    #expect(isClose(plan.runSeconds, 84.9012))
    // A job of 70 s works for ten: the least margin is a minute.
    #expect(plan.jobs == 9)
    #expect(isClose(plan.coreHours, 4 * 84.9012 / 3600))
    #expect(isClose(plan.weakEfficiency, 1))
    #expect(isClose(plan.strongEfficiency, (12 * 0.3 + 0.01) / (4 * 0.91)))
    #expect(try self.plan().jobs == 1)
  }

  @Test func optionsChangeSteps() throws {
    let accumulated = try plan { $0.configuration.accumulate = 2 }
    #expect(accumulated.globalBatch == 24 && accumulated.stepsPerEpoch == 5)
    #expect(isClose(accumulated.stepSeconds, 1.81), "\(accumulated.step)")
    let short = try plan { $0.configuration.stepsPerEpoch = 5 }
    #expect(short.stepsPerEpoch == 5 && short.lastStepUtterances == 12)
    #expect(isClose(short.trainingSeconds, 5 * 0.91))
    let uneven = try plan { $0.jitter = 0.1 }
    #expect(abs(uneven.stepSeconds - (0.91 + 0.09 * 1.02938)) < 1e-5, "\(uneven.step)")
  }

  @Test func memoryIsCountedAndMeasured() throws {
    // Two utterances fit into the default of a quarter of a node for its two ranks.
    let memory = try plan().memory
    #expect(memory.weights == 4000 && memory.gradients == 4000 && memory.moments == 8000)
    #expect(memory.sums == 8000 && memory.wire == 8000 && memory.average == 0)
    #expect(memory.program == 76_000)
    #expect(memory.utterancesSideBySide == 2 && memory.activations == 1_000_000)
    #expect(memory.rankBytes == 1_108_000 && memory.nodeBytes == 2_216_000)

    // Nothing to hide inside a host.
    #expect(try plan(nodes: 1).memory.rankBytes == 608_000)
    #expect(try plan { $0.exchange.overlaps = false }.memory.rankBytes == 608_000)
    #expect(try plan { $0.exchange.overlapBytes = 9_000_000 }.memory.activations == 1_500_000)
    let short = try plan {
      $0.exchange.wire = .bf16
      $0.configuration.averageDecay = 0.99
    }
    #expect(short.memory.wire == 6000 && short.memory.average == 4000)

    // One that was measured over a network says the same.
    var other = calibration
    other.memory = .init(before: 108_000, activations: 500_000, wire: 8000)
    #expect(try RunPlan(try request(), other).memory == memory)
  }

  @Test func aGoodPlanHasFewWarnings() throws {
    let plan = try plan {
      $0.corpus.trainingUtterances = 96
      $0.configuration.warmupSteps = 10
      $0.configuration.averageDecay = 0.99
    }
    // Twelve utterances are not the published six.
    #expect(
      plan.warnings
        == [.batchAbovePublished(globalBatch: 12, hasWarmup: true, hasAverage: true)])
    let published = try self.plan(nodes: 1) { $0.corpus.trainingUtterances = 96 }
    #expect(published.globalBatch == 6 && published.warnings == [], "\(published.warnings)")
    #expect(published.description.hasSuffix("nothing speaks against it"))
  }

  @Test func batchesOutsideTheRecipe() throws {
    let wide = try plan { $0.corpus.trainingUtterances = 96 }
    #expect(
      wide.warnings
        == [.batchAbovePublished(globalBatch: 12, hasWarmup: false, hasAverage: false)])
    #expect(wide.description.contains("train with --warmup and --ema"), "\(wide)")
    let narrow = try plan(nodes: 1) {
      $0.configuration.batch = 1
      $0.corpus.trainingUtterances = 96
    }
    #expect(narrow.warnings == [.batchBelowPublished(globalBatch: 2)])
    for (maximum, expected) in [(12, false), (11, true)] {
      let plan = try plan { $0.maximumGlobalBatch = maximum }
      let found = plan.warnings.contains(
        .batchBeyondMaximum(globalBatch: 12, maximum: maximum, ranks: 4))
      #expect(found == expected, "\(maximum): \(plan.warnings)")
    }
    let most = try plan {
      $0.maximumGlobalBatch = 3
      $0.configuration.batch = 1
    }
    #expect(most.description.contains("even with --batch 1 there are too many ranks"), "\(most)")
  }

  @Test func stepsThatAreNotFull() throws {
    let warning = PlanWarning.lastStepMostlyEmpty(
      utterances: 4, globalBatch: 12, stepsPerEpoch: 9)
    #expect(try plan().warnings.contains(warning))
    // Half full is not mostly empty, and an epoch that ends early has no such step.
    for change: (inout PlanRequest) -> Void in [
      { $0.corpus.trainingUtterances = 102 }, { $0.configuration.stepsPerEpoch = 8 },
    ] {
      let warnings = try plan(change).warnings
      #expect(warnings.count == 1, "\(warnings)")
    }
    let few = try plan {
      $0.corpus.trainingUtterances = 3
      $0.corpus.validationUtterances = 2
    }
    for warning: PlanWarning in [
      .moreRanksThanUtterances(ranks: 4, utterances: 3),
      .moreRanksThanValidation(ranks: 4, utterances: 2),
      .lastStepMostlyEmpty(utterances: 3, globalBatch: 12, stepsPerEpoch: 1),
    ] { #expect(few.warnings.contains(warning), "no \(warning): \(few.warnings)") }
    #expect(few.lastStepUtterances == 3)
  }

  @Test func machinesThatAreTooSmall() throws {
    for (bytes, isEnough) in [(1_216_000, true), (1_215_999, false)] {
      let plan = try plan {
        $0.memoryPerNode = bytes
        $0.isMemoryOfThisMachine = true
      }
      let found = plan.warnings.contains(
        .memory(needed: 1_216_000, available: bytes, isThisMachine: true, recomputes: false))
      #expect(found != isEnough, "\(bytes): \(plan.memory) \(plan.warnings)")
    }
    let crowded = try plan { $0.coresPerNode = 1 }
    #expect(crowded.warnings.contains(.cores(threads: 2, cores: 1)))
    #expect(crowded.stepSeconds > 1.8 && crowded.mainLoss == .sharing)
    let slow = try plan {
      $0.wallTime = 61
      $0.corpus.validationUtterances = 4000
    }
    #expect(
      slow.warnings.contains { if case .validationBeyondWallTime = $0 { true } else { false } },
      "\(slow.warnings)")
  }

  @Test func measurementsThatDoNotAgree() throws {
    var noisy = calibration
    noisy.doubt = 0.2
    let plan = try RunPlan(try request(), noisy)
    #expect(plan.warnings.last == .doubtfulCalibration(doubt: 0.2))
  }

  @Test func aPlanNeedsItsOwnCalibrationAndTime() throws {
    func failure(_ change: (inout PlanRequest) -> Void) -> PlanError? {
      do {
        _ = try plan(change)
        return nil
      } catch {
        return error as? PlanError
      }
    }
    func other(_ option: String, _ measured: String, _ planned: String) -> PlanError {
      .otherCalibration(path: "by hand", option: option, measured: measured, planned: planned)
    }
    let abl1 = try Preset.load("abl1")
    #expect(failure { $0.configuration.model = abl1 } == other("--preset", "abl3", "abl1"))
    #expect(failure { $0.threads = 2 } == other("--threads", "1", "2"))
    #expect(failure { $0.configuration.cropSeconds = 2.5 } == other("--seconds", "2", "2.5"))
    #expect(failure { $0.recomputes = true } == other("--recompute", "off", "on"))
    // The preset's name, with another hop. Files of earlier versions do not know their frames.
    var ofOtherHop = calibration
    ofOtherHop.frames = 501
    #expect(throws: other("crops of", "501 frames", "251 frames")) {
      try ofOtherHop.verify(try request())
    }
    #expect(failure { $0.wallTime = 60 } == .wallTimeTooShort(seconds: 60, margin: 60))
    #expect(failure { $0.wallTime = 61 } == nil)
  }
}
