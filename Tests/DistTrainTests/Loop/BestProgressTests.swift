import Checkpoints
import DistTrain
import Models
import Recipes
import Testing
import TestSupport

/// The best epochs of a run: when patience ends, which are kept, and when all are forgotten.
@Suite struct BestProgressTests {
  private func configuration(_ rule: String? = nil) throws -> TrainingConfiguration {
    let model = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    return TrainingConfiguration(model: model) {
      $0.recipe.bestBy = rule.flatMap { try? SelectionRule(parsing: $0) }
    }
  }

  // MARK: Patience

  @Test func aRunEndsWithoutABetterEpoch() {
    var run = MadeRun(epochs: 9, stepsPerEpoch: 1, patience: 2)
    run.better = [1, 3]
    #expect(run.course().hasSuffix("validate 5, complete"))
    #expect(run.progress.epoch == 5)
    // Resumed as it is, it is over; with more patience it goes on.
    var resumed = MadeRun(epochs: 9, stepsPerEpoch: 1, patience: 2)
    resumed.progress = run.progress
    #expect(resumed.course() == "complete")
    resumed = MadeRun(epochs: 9, stepsPerEpoch: 1, patience: 3)
    resumed.progress = run.progress
    resumed.better = [1, 3]
    #expect(resumed.course().hasSuffix("validate 6, complete"))
  }

  @Test func patienceCountsFromTheStartWhereNothingIsScored() {
    var run = MadeRun(epochs: 9, stepsPerEpoch: 1, patience: 3)
    run.better = []
    #expect(run.course().hasSuffix("validate 3, complete"))
  }

  @Test func betterEpochsToTheEndLeaveThePatience() {
    var run = MadeRun(epochs: 4, stepsPerEpoch: 1, patience: 1)
    #expect(run.course().hasSuffix("validate 4, complete"))
  }

  /// Beside training the scores of an epoch are known during the next, which is then done to its
  /// end and validated, too.
  @Test func besideTrainingTheEpochUnderWayCounts() {
    for validationSteps in [0, 1, .max] {
      var run = MadeRun(
        epochs: 9, stepsPerEpoch: 3, isBeside: true, validationSteps: validationSteps, patience: 2)
      run.better = [1]
      #expect(run.course().hasSuffix("await 4, complete"), "\(validationSteps)")
      // The last one may be a better one after all.
      run = MadeRun(
        epochs: 9, stepsPerEpoch: 3, isBeside: true, validationSteps: validationSteps, patience: 2)
      run.better = [1, 4]
      #expect(run.course().hasSuffix("await 7, complete"), "\(validationSteps)")
    }
  }

  /// Wherever a run is cut off, it ends after the same epoch.
  @Test(arguments: [false, true])
  func aResumedRunEndsWhereItWouldHaveEnded(isBeside: Bool) {
    let better: Set = [1, 2]
    func run(limit: Int? = nil, from progress: TrainingProgress? = nil) -> TrainingProgress {
      var run = MadeRun(
        epochs: 9, stepsPerEpoch: 3, stepLimit: limit, isBeside: isBeside, validationSteps: 1,
        patience: 2)
      run.better = better
      if let progress { run.progress = progress }
      _ = run.course()
      return run.progress
    }
    let whole = run()
    #expect(whole.epoch == (isBeside ? 5 : 4))
    for limit in 1...whole.step {
      let stopped = run(limit: limit)
      #expect(run(from: stopped) == whole, "stopped after step \(limit)")
    }
  }

  // MARK: Kept epochs

  @Test func theBestEpochsAreKeptInOrder() {
    var progress = TrainingProgress()
    for (index, score) in [1.0, 3, 2, 3, 0, 2.5].enumerated() {
      progress.keep(score, of: index + 1, count: 3)
    }
    #expect(progress.bestEpochs?.map(\.epoch) == [2, 4, 6])
    // Equal ones: the earlier stays.
    progress.keep(2.5, of: 7, count: 3)
    #expect(progress.bestEpochs?.map(\.epoch) == [2, 4, 6])
    // An epoch that is done again takes the place of what it was.
    progress.keep(9, of: 4, count: 3)
    #expect(progress.bestEpochs?.map(\.epoch) == [2, 4])
    #expect(progress.bestEpochs?.map(\.score) == [3, 9])
    progress.keep(1, of: 5, count: 2)
    #expect(progress.bestEpochs?.map(\.epoch) == [2, 4])
  }

  // MARK: Rules

  @Test func anotherRuleForgetsTheBest() throws {
    var progress = TrainingProgress()
    progress.epoch = 4
    progress.bestScore = 2.5
    progress.bestEpoch = 3
    progress.bestEpochs = [KeptEpoch(epoch: 3, score: 2.5)]
    let before = progress
    #expect(progress.select(by: SelectionMeaning(try configuration()), epoch: 5) == nil)
    #expect(progress.select(by: SelectionMeaning(try configuration("pesq_wb")), epoch: 5) == nil)
    #expect(progress == before)
    let text = progress.select(by: SelectionMeaning(try configuration("loss")), epoch: 5)
    #expect(
      text == "the best epoch is chosen by loss from epoch 5 on, and was by pesq_wb; that epoch "
        + "sets a new best (2.5000 in epoch 3 until now)")
    #expect(progress.bestScore == nil && progress.bestEpochs == nil && progress.bestBy == "loss")
    // Patience counts from here.
    #expect(progress.bestEpoch == 4)
    progress.bestScore = -0.5
    progress.bestEpoch = 5
    #expect(progress.select(by: SelectionMeaning(try configuration()), epoch: 6) != nil)
    #expect(progress.bestBy == nil && progress.bestScore == nil)
  }

  @Test func aLossThatGetsAFurtherTermStartsAnew() throws {
    var meaning = SelectionMeaning(try configuration("0.5*pesq_wb+loss"))
    meaning.lossChangesAt = 3
    var progress = TrainingProgress()
    #expect(progress.select(by: meaning, epoch: 1) == nil)
    progress.epoch = 2
    progress.bestScore = 1
    progress.bestEpoch = 2
    #expect(progress.select(by: meaning, epoch: 2) == nil && progress.bestScore == 1)
    #expect(progress.select(by: meaning, epoch: 3)?.contains("as of epoch 3") == true)
    #expect(progress.bestScore == nil)
    // A rule without the loss has nothing to do with it.
    var other = SelectionMeaning(try configuration("stoi"))
    other.lossChangesAt = 3
    #expect(other.text(epoch: 9) == "stoi")
  }

  // MARK: Frozen parameters

  @Test func prefixesNameTheParametersThatDoNotMove() throws {
    let model = SpeechEnhancer(
      configuration: try configuration().model, seed: 1)
    let parameters = model.parameters.parameters
    let frozen = try FrozenParameters(["layers.0", "decoder.fc1"], of: model.parameters)
    let expected = parameters.filter {
      $0.name.hasPrefix("layers.0") || $0.name.hasPrefix("decoder.fc1")
    }
    #expect(frozen.names == expected.map(\.name) && !expected.isEmpty)
    #expect(frozen.valueCount == expected.reduce(0) { $0 + $1.count })
    #expect(try FrozenParameters(nil, of: model.parameters) == .none)
    let unknown = #expect(throws: FreezeError.self) {
      try FrozenParameters(["layers.0", "encoder"], of: model.parameters)
    }
    #expect(
      unknown?.description == "--freeze encoder: no parameter of the model has a name that begins "
        + "so; its components are band_split, layers.0, layers.1, decoder")
    #expect(throws: FreezeError.self) {
      try FrozenParameters(["band_split", "layers", "dec"], of: model.parameters)
    }
  }
}
