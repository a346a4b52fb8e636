import Adversarial
import Audio
import Checkpoints
import DistTrain
import Files
import Foundation
import Recipes
import Report
import RunFiles
import RunTestSupport
import Tensor
import TestSupport
import Testing

/// Numbers of a discriminator that are spoiled on purpose: which steps are skipped, and what log,
/// event and dump say of it.
@Suite(.serialized) struct DiscriminatorFaultTests {
  private static let first = published { $0.order = .discriminatorFirst }
  private static let policy = NonFinitePolicy(skipLimit: 2, rollbackFactor: 0.5, rollbackLimit: 1)

  /// Four steps an epoch; the discriminator is used in the second of two.
  private func with(
    _ recipe: DiscriminatorRecipe = published(), _ body: (NonFiniteRun) throws -> Void
  ) throws {
    try NonFiniteRun.with(
      train: 16, epochs: 2,
      change: {
        $0.cropSeconds = 1
        $0.recipe.discriminator = recipe
      }, body)
  }

  /// The only event of a skipped step and its dump.
  private func finding(
    _ run: NonFiniteRun, step: Int
  ) throws -> (event: JSONValue, dump: NonFiniteDump) {
    let events = try run.events("nonfinite").filter { $0["step"] == .integer(step) }
    try #require(events.count == 1, "\(events)")
    #expect(events[0]["rank"] == .integer(1))
    let path = run.folder.file(
      String(format: "run/nonfinite/step-%08d-rank1.safetensors", step))
    #expect(events[0]["dump"] == .string(path))
    return (events[0], try NonFiniteDump(contentsOf: URL(fileURLWithPath: path)))
  }

  private func expect(
    _ event: JSONValue, _ expected: [String: JSONValue],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (key, value) in expected {
      #expect(event[key] == value, "\(key) in \(event)", sourceLocation: sourceLocation)
    }
  }

  // MARK: Steps

  /// A step that is spoiled on one rank is skipped by both networks on all, before and after the
  /// discriminator is used. A bad gradient of the generator is known only after a discriminator
  /// that is first has taken its step.
  @Test(
    arguments: [published(), first],
    [
      NumericalFault.poisonDiscriminatorGradient(step: 2, rank: 1),
      .poisonDiscriminatorGradient(step: 3, rank: 0), .poisonLabel(step: 2, rank: 0),
      .poisonLabel(step: 3, rank: 1), .poisonGradient(step: 2, rank: 0),
      .poisonGradient(step: 3, rank: 1),
    ])
  func bothNetworksSkipTheStep(recipe: DiscriminatorRecipe, fault: NumericalFault) throws {
    let bad = fault.step
    try AdversarialBench.with { bench in
      let configuration = bench.configuration(ranks: 2, epochs: 2, recipe)
      let outcomes = try bench.run(configuration, steps: 4, hooks: { fault.hooks(rank: $0) })
      for outcome in outcomes {
        #expect(outcome.skipped == (1...4).map { $0 == bad })
        // Other steps may lack a label.
        #expect(!outcome.duels[bad - 1].hasMoved)
        let isEarly = recipe.order == .generatorFirst && fault.isOfTheGenerator
        #expect((outcome.duels[bad - 1].gradientNorm == nil) == isEarly)
        #expect(outcome.adamSteps == outcome.duels.count { $0.hasMoved })
        let isUnchanged = outcome.tensors[bad - 1] == outcome.tensors[bad - 2]
        #expect(isUnchanged, "a skipped step changed something")
        let isFinite = outcome.tensors[3].allSatisfy { $0.allSatisfy(\.isFinite) }
        #expect(isFinite)
      }
      #expect(outcomes[0].checkpoints == outcomes[1].checkpoints)
    }
  }

  /// The fault is gone after the step: the run is one whose step was skipped for another reason.
  @Test func aSkippedStepLeavesNothingBehind() throws {
    try AdversarialBench.with { bench in
      let configuration = bench.configuration(ranks: 2, epochs: 2)
      let faults: [NumericalFault] = [
        .poisonDiscriminatorGradient(step: 3, rank: 1), .poisonLabel(step: 3, rank: 0),
        .poisonGradient(step: 3, rank: 1),
      ]
      let runs = try faults.map { fault in
        try bench.run(configuration, steps: 4, hooks: { fault.hooks(rank: $0) })[0].checkpoints
      }
      #expect(runs[0] == runs[2])
      #expect(runs[1] == runs[2])
    }
  }

  // MARK: What is said

  @Test(arguments: [published(), first], ["layers.0.weight_orig", "layers.4.bias"])
  func aWeightIsNamedAndARollbackMendsIt(recipe: DiscriminatorRecipe, name: String) throws {
    try with(recipe) { run in
      let outcomes = try run.train(Self.policy) {
        NumericalFault.poisonDiscriminatorWeight(step: 6, rank: 1, name: name).hooks(rank: $0)
      }
      for outcome in outcomes {
        #expect(outcome.error == nil && outcome.isDone)
        #expect(outcome.progress.skippedSteps == 2 && outcome.progress.rollbacks == 1)
        let isFinite = outcome.values.allSatisfy { $0.allSatisfy(\.isFinite) }
        #expect(isFinite)
      }
      #expect(outcomes[0].values == outcomes[1].values)
      if name == "layers.0.weight_orig" {
        let expected = try afterARollback(run)
        #expect(outcomes[0].values == expected)
      }
      let (event, dump) = try finding(run, step: 6)
      let mine = run.names(step: 6, rank: 1)
      let layer = "discriminator." + name.split(separator: ".").prefix(2).joined(separator: ".")
      expect(
        event,
        [
          "transient": .bool(false), "stage": .string("weights"), "layer": .string(layer),
          "tensor": .string("discriminator.\(name)"), "nan": .integer(1),
          "utterances": .array(mine.map { .string($0) }), "weights_finite": .bool(false),
          "input_finite": .bool(true),
        ])
      try dump.expectSameAgain()
      let text = try DumpReplay(dump).text
      #expect(text.contains("\ndiscriminator[estimate].layers.0 "), "\(text)")
      let place = "rank 1, utterance \(mine[0]), weights of \(layer) (discriminator.\(name)), 1 NaN"
      #expect(try run.log().contains { $0.hasPrefix("first non-finite: \(place) of ") })
      // The next step finds it again.
      #expect(
        try run.log().contains {
          $0.contains(", weights of \(layer) (discriminator.\(name)), 1 NaN")
            && $0.contains("; the same is in the dump ")
        })
    }
  }

  /// Values of a run that starts from the checkpoint of step 4 with half the rate.
  private func afterARollback(_ run: NonFiniteRun) throws -> [[Float]] {
    let configuration = run.configuration
    _ = try run.train(stepLimit: 4, into: "one")
    let data = try Data(contentsOf: run.folder.appending(path: "one/last.safetensors"))
    return try run.train(
      into: "expected",
      prepare: { state in
        try Checkpoint(data, path: "last").restore(state, configuration)
        var recovery = RecoveryProgress(firstSkippedStep: 6, firstSkippedEpoch: 2)
        recovery.rateFactors = [0.5]
        state.progress.recovery = recovery
      })[0].values
  }

  @Test(arguments: [published(), first], [2, 6])
  func aGradientIsTransient(recipe: DiscriminatorRecipe, step: Int) throws {
    try with(recipe) { run in
      let outcomes = try run.train(stepLimit: step) {
        NumericalFault.poisonDiscriminatorGradient(step: step, rank: 1).hooks(rank: $0)
      }
      #expect(outcomes.allSatisfy { $0.error == nil && $0.progress.skippedSteps == 1 })
      let (event, dump) = try finding(run, step: step)
      let last = "discriminator.layers.18.slope"
      expect(
        event,
        [
          "transient": .bool(true), "stage": .null, "own_gradient": .string(last),
          "mean_gradient": .string(last), "own_loss_finite": .bool(true),
        ])
      let said =
        "transient: computed again, all is finite; at the time the mean gradient of \(last) and "
        + "rank 1's own gradient sum of \(last) was not finite; dump: "
      #expect(try run.log().contains { $0.hasPrefix(said) })
      let replay = try DumpReplay(dump)
      #expect(replay.verdict == .transient)
      #expect(replay.text.contains("this rank's own gradient sum of \(last) was not finite"))
    }
  }

  @Test(arguments: [published(), first], [2, 6])
  func aLabelIsAnInput(recipe: DiscriminatorRecipe, step: Int) throws {
    try with(recipe) { run in
      let outcomes = try run.train(stepLimit: max(step, 5)) {
        NumericalFault.poisonLabel(step: step, rank: 1).hooks(rank: $0)
      }
      #expect(outcomes.allSatisfy { $0.error == nil && $0.progress.skippedSteps == 1 })
      let (event, dump) = try finding(run, step: step)
      let victim = run.names(step: step, rank: 1)[0]
      expect(
        event,
        [
          "transient": .bool(false), "stage": .string("input"),
          "layer": .string("discriminator.label"), "tensor": .string("label of the pass estimate"),
          "utterance": .string(victim), "utterances": .array([.string(victim)]),
          "nan": .integer(1), "weights_finite": .bool(true), "input_finite": .bool(false),
          "own_loss_finite": .bool(false),
        ])
      #expect(dump.utterances.map(\.name) == [victim])
      #expect(dump.utterances[0].judged?.labels.estimate.isNaN == true)
      try dump.expectSameAgain()
      if step > 4 {
        // Only what can be read as a figure is a prediction.
        let text = try String(contentsOf: run.runFolder.file(.predictions), encoding: .utf8)
        #expect(!text.lowercased().contains("nan"))
      }
    }
  }

  /// Numbers that grow beyond a float are found in the pass and the layer where they do.
  @Test(arguments: [
    (published(), 2, "estimate"), (published(), 6, "generator"), (first, 6, "estimate"),
  ])
  func overflowIsFoundInItsPass(recipe: DiscriminatorRecipe, step: Int, pass: String) throws {
    try with(recipe) { run in
      _ = try run.train(stepLimit: step) { rank in
        var hooks = StepHooks()
        guard rank == 1 else { return hooks }
        hooks.beforeDiscriminator = { current, parameters in
          if current == step { change(parameters, "layers.10.weight") { _ in 3e38 } }
        }
        return hooks
      }
      let (event, dump) = try finding(run, step: step)
      expect(
        event,
        [
          "stage": .string("forward"), "layer": .string("discriminator[\(pass)].layers.10"),
          "tensor": .string("output"), "weights_finite": .bool(true), "input_finite": .bool(true),
        ])
      try dump.expectSameAgain()
      let before = try DumpReplay(dump).inspections[0].observations.prefix {
        $0.layer != "discriminator[\(pass)].layers.10"
      }
      #expect(before.contains { $0.layer == "discriminator[\(pass)].layers.9" })
      #expect(before.allSatisfy { $0.statistics.isFinite })
    }
  }

  /// A fault of the generator is found there, whatever it does to the discriminator.
  @Test func theGeneratorIsFoundFirst() throws {
    try with { run in
      _ = try run.train(stepLimit: 6) {
        NumericalFault.poisonWeight(step: 6, rank: 1).hooks(rank: $0)
      }
      let (event, dump) = try finding(run, step: 6)
      expect(event, ["stage": .string("weights"), "layer": .string("band_split")])
      try dump.expectSameAgain()
    }
  }

  // MARK: Dumps

  /// A replay computes what the step did: its predictions are those of the event.
  @Test(arguments: [published(), first], [2, 6])
  func aReplayHasThePredictionsOfTheStep(recipe: DiscriminatorRecipe, step: Int) throws {
    try with(recipe) { run in
      _ = try run.train(stepLimit: step) {
        NumericalFault.poisonDiscriminatorGradient(step: step, rank: $0).hooks(rank: $0)
      }
      var (predictions, generator): ([Double], [Double]) = ([], [])
      for rank in 0..<NonFiniteRun.ranks {
        let name = String(format: "step-%08d-rank%d.safetensors", step, rank)
        let dump = try NonFiniteDump(contentsOf: run.dumpFolder.appending(path: name))
        #expect(dump.utterances.map(\.name) == run.names(step: step, rank: rank))
        for (utterance, inspection) in zip(dump.utterances, try DumpReplay(dump).inspections) {
          func score(_ pass: String) -> Double? {
            inspection.observations.first {
              $0.stage == .forward && $0.layer == "discriminator[\(pass)].head"
            }.map { Double($0.statistics.largest) }
          }
          if utterance.judged?.labels.fault == nil, let score = score("estimate") {
            predictions.append(score)
          }
          if let score = score("generator") { generator.append(score) }
        }
      }
      let event = try #require(
        try run.events("discriminator").first { $0["step"] == .integer(step) })
      guard case .number(let predicted) = event["predicted_pesq"] else {
        Issue.record("\(event)")
        return
      }
      let mean = predictions.reduce(0, +) / Double(predictions.count)
      #expect(abs(mean * recipe.labelScale - recipe.labelOffset - predicted) < 1e-9)
      #expect(generator.count == (step > 4 ? 4 : 0))
      // With the other order, the step's term is that of the discriminator that has moved.
      if step > 4, recipe.order == .generatorFirst {
        guard case .number(let term) = event["generator_term"] else {
          Issue.record("\(event)")
          return
        }
        #expect(abs(generator.reduce(0) { $0 + ($1 - 1) * ($1 - 1) } / 4 - term) < 1e-6)
      }
    }
  }

  @Test(arguments: [published(), first])
  func anInspectionLeavesNoTrace(recipe: DiscriminatorRecipe) throws {
    try AdversarialBench.with { bench in
      let configuration = bench.configuration(ranks: 1, epochs: 2, recipe)
      let inspected = try bench.run(configuration, steps: 3) { step, _, state, isBefore in
        guard let adversarial = state.adversarial else { return }
        let inspection = AdversarialInspection(
          adversarial, recipe, seed: configuration.seed, step: step,
          .init(isUsed: true, hasPasses: true, labelWeight: 1))
        let spectra = (0..<3).map { _ in
          Tensor(shape: [1, 20, 24, 2], elements: noise(960))
        }
        inspection.take(
          utterance: 1, clean: spectra[0], estimate: spectra[1], noisy: spectra[2], Execution())
        let labels = CropLabels(estimate: 0.4, noisy: 0.7)
        #expect(!inspection.generatorTerm(estimate: spectra[1], Execution()).isEmpty)
        #expect(!inspection.ownPasses(labels, Execution()).isEmpty)
      }
      let expected = try bench.run(configuration, steps: 3)
      #expect(inspected[0].checkpoints == expected[0].checkpoints)
    }
  }

  @Test func cropsWithoutLabelStayWithoutInTheDump() throws {
    try with(published { $0.missing = .utterance }) { run in
      let victim = run.names(step: 2, rank: 1)[1]
      let path = run.folder.file("corpus/train/clean/\(victim).wav")
      let silence = try WaveFile.read(path: path).samples.map { _ in Float(0) }
      try floatFile(silence).write(to: URL(fileURLWithPath: path))
      _ = try run.train(stepLimit: 2) {
        NumericalFault.poisonDiscriminatorWeight(step: 2, rank: 1).hooks(rank: $0)
      }
      let (_, dump) = try finding(run, step: 2)
      #expect(dump.utterances.map { $0.judged?.labels.fault == nil } == [true, false])
      #expect(dump.header.discriminator?.decisions.labelWeight == Float(4.0 / 3))
      try dump.expectSameAgain()
    }
  }

  @Test func aDumpWithoutTheDiscriminatorSaysSo() throws {
    try with { run in
      _ = try run.train(stepLimit: 2) {
        NumericalFault.poisonDiscriminatorWeight(step: 2, rank: 1).hooks(rank: $0)
      }
      let (_, dump) = try finding(run, step: 2)
      var header = dump.header
      header.discriminator = nil
      header.checksums = [:]
      let path = run.folder.file("without.safetensors")
      try Data(NonFiniteDump.serialized(header, try dump.model(), dump.utterances))
        .write(to: URL(fileURLWithPath: path))
      let replay = try DumpReplay(NonFiniteDump(contentsOf: URL(fileURLWithPath: path)))
      #expect(replay.verdict == .other)
      #expect(replay.text.contains("only the model is computed again"))
      #expect(!(try DumpReplay(dump).text.contains("only the model is computed again")))
    }
  }
}

extension NumericalFault {
  /// The step that is spoiled.
  fileprivate var step: Int {
    switch self {
    case .poisonWeight(let step, _, _), .poisonDiscriminatorWeight(let step, _, _),
      .poisonGradient(let step, _), .poisonInput(let step, _),
      .poisonDiscriminatorGradient(let step, _), .poisonLabel(let step, _):
      step
    }
  }

  fileprivate var isOfTheGenerator: Bool {
    if case .poisonGradient = self { true } else { false }
  }
}
