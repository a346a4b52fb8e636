import Audio
import Checkpoints
import DistTrain
import Files
import Foundation
import Recipes
import RunFiles
import RunTestSupport
import TestSupport
import Testing

/// The loop of a run with a discriminator, and what it says.
@Suite(.serialized) struct AdversarialLoopTests {
  private static let policy = NonFinitePolicy(skipLimit: 2, rollbackFactor: 0.5, rollbackLimit: 1)

  private func use(_ recipe: inout TrainingConfiguration) {
    recipe.cropSeconds = 2
    recipe.recipe.discriminator = published()
  }

  // Four steps an epoch; 6 and 7 are skipped, in the second.
  @Test func aRollbackTakesBothNetworksBack() throws {
    try NonFiniteRun.with(train: 16, epochs: 2, change: use) { run in
      let one = try NonFiniteRun(in: run.folder, epochs: 2, change: use)
      _ = try one.train(stepLimit: 4, into: "one")
      let outcomes = try run.train(Self.policy) {
        NumericalFault.poisonWeight(step: 6, rank: 1).hooks(rank: $0)
      }
      let data = try Data(contentsOf: run.folder.appending(path: "one/last.safetensors"))
      let configuration = run.configuration
      let expected = try run.train(
        into: "expected",
        prepare: { state in
          try Checkpoint(data, path: "last").restore(state, configuration)
          var recovery = RecoveryProgress(firstSkippedStep: 6, firstSkippedEpoch: 2)
          recovery.rateFactors = [0.5]
          state.progress.recovery = recovery
        })
      for outcome in outcomes {
        #expect(outcome.error == nil && outcome.isDone)
        #expect(outcome.progress.rollbacks == 1 && outcome.progress.step == 8)
        #expect(outcome.values.count == 7)
        #expect(outcome.values == expected[0].values)
      }
      // The discriminator's rate falls with the generator's.
      let rates = try run.events("discriminator").map { $0["learning_rate"] }
      #expect(rates.first == .number(0.001) && rates.last == .number(0.0005))
    }
  }

  /// A NaN of the discriminator's own is found, undone, and named.
  @Test func aDiscriminatorThatIsNotFiniteIsTakenBack() throws {
    try NonFiniteRun.with(train: 16, epochs: 2, change: use) { run in
      let outcomes = try run.train(
        Self.policy,
        prepare: { state in
          state.adversarial?.discriminator.parameters.parameters[0].value[0] = .nan
        })
      for outcome in outcomes {
        #expect(outcome.error == nil && outcome.isDone && outcome.progress.rollbacks == 1)
        let isFinite = outcome.values.allSatisfy { $0.allSatisfy(\.isFinite) }
        #expect(isFinite)
      }
      #expect(outcomes[0].values == outcomes[1].values)
      let report = try #require(try run.events("nonfinite").first)
      #expect(report["mean_gradient"] == .string("discriminator.layers.0.weight_orig"))
    }
  }

  /// Predictions of a broken discriminator do not end a run, and a step that is skipped says
  /// nothing of labels.
  @Test func skippedStepsUpToTheEndOfAnEpochAreNoFault() throws {
    try NonFiniteRun.with(train: 16, epochs: 1, change: use) { run in
      let outcomes = try run.train(
        NonFinitePolicy(skipLimit: 20, rollbackFactor: 0.5, rollbackLimit: 1),
        prepare: { state in
          state.adversarial?.discriminator.parameters.parameters[0].value[0] = .nan
        })
      for outcome in outcomes {
        #expect(outcome.error == nil && outcome.isDone && outcome.progress.skippedSteps == 4)
      }
      let log = try run.log()
      #expect(log.contains { $0.hasSuffix("discriminator in epoch 1: moved in 0 of 4 steps") })
      #expect(!log.contains { $0.contains("label") })
      let predictions = try #require(
        try Predictions(contentsOf: run.runFolder.file(.predictions)))
      #expect(predictions.rows.isEmpty)
    }
  }

  /// A run that was stopped between the last step of an epoch and its validation has the table of
  /// predictions already.
  @Test func aResumeAtTheEndOfAnEpochKeepsThePredictions() throws {
    try NonFiniteRun.with(train: 16, epochs: 1, change: use) { run in
      let whole = try run.train()
      let table = try Data(contentsOf: run.runFolder.file(.predictions))
      let lines = try run.log().filter { $0.contains("moved in") }
      let checkpoint = try Data(contentsOf: run.folder.appending(path: "run/last.safetensors"))
      let configuration = run.configuration
      let again = try run.train(prepare: { state in
        try Checkpoint(checkpoint, path: "last").restore(state, configuration)
        (state.progress.epoch, state.progress.stepInEpoch) = (0, 4)
        state.progress.forgetBest()
      })
      #expect(again.allSatisfy { $0.error == nil && $0.isDone })
      #expect(again.map(\.values) == whole.map(\.values))
      #expect(lines.count == 1)
      #expect(try Data(contentsOf: run.runFolder.file(.predictions)) == table)
      #expect(try run.log().filter { $0.contains("moved in") } == lines)
    }
  }

  /// Means of an epoch are over the steps that have labels.
  @Test func stepsWithoutLabelsAreNotInTheMeans() throws {
    func use(_ recipe: inout TrainingConfiguration) {
      self.use(&recipe)
      recipe.recipe.discriminator?.missing = .utterance
    }
    try NonFiniteRun.with(train: 16, epochs: 1, change: use) { run in
      for name in run.names(step: 1, rank: 0) + run.names(step: 1, rank: 1) {
        let path = run.folder.file("corpus/train/clean/\(name).wav")
        let silence = try WaveFile.read(path: path).samples.map { _ in Float(0) }
        try floatFile(silence).write(to: URL(fileURLWithPath: path))
      }
      let outcomes = try run.train()
      #expect(outcomes.allSatisfy { $0.isDone })
      let events = try run.events("discriminator")
      try #require(events.count == 4)
      #expect(events[0]["moved"] == .bool(true) && events[0]["pesq"] == .null)
      let scores = events.compactMap { event -> Double? in
        if case .number(let score) = event["pesq"] { score } else { nil }
      }
      #expect(scores.count == 3)
      let mean = String(format: ", pesq of the crops %.4f, ", scores.reduce(0, +) / 3)
      #expect(
        try run.log().contains {
          $0.contains("discriminator in epoch 1: moved in 4 of 4 steps, loss ") && $0.contains(mean)
        }, "\(mean)")
    }
  }

  @Test func theFilesTellOfTheDiscriminator() throws {
    try NonFiniteRun.with(train: 16, epochs: 2, change: use) { run in
      let outcomes = try run.train()
      #expect(outcomes.allSatisfy { $0.isDone })
      let events = try run.events("discriminator")
      #expect(events.map { $0["step"] } == (1...8).map { .integer($0) })
      #expect(events.map { $0["used"] } == (1...8).map { .bool($0 > 4) })
      #expect(events.allSatisfy { $0["moved"] == .bool(true) && $0["crops"] == .integer(4) })
      for event in events {
        guard case .number(let loss) = event["loss"], case .number(let pesq) = event["pesq"] else {
          Issue.record("\(event)")
          continue
        }
        #expect(loss > 0 && loss < 3 && pesq > 1 && pesq < 4.7)
        #expect((event["generator_term"] == .null) == (event["used"] == .bool(false)))
      }
      let predictions = try #require(
        try Predictions(contentsOf: run.runFolder.file(.predictions)))
      // The crops of the second epoch, each once.
      #expect(predictions.rows.map(\.step) == (5...8).flatMap { [$0, $0, $0, $0] })
      #expect(Set(predictions.rows.map(\.utterance)).count == 16)
      let mean = predictions.rows.filter { $0.step == 8 }.compactMap(\.pesq).reduce(0, +) / 4
      guard case .number(let pesq) = events[7]["pesq"] else { return }
      #expect(abs(mean - pesq) < 1e-5)
      let log = try run.log()
      #expect(
        log.contains { $0.contains("the discriminator joins the generator's loss in epoch 2") })
      #expect(log.count { $0.contains("discriminator in epoch") && $0.contains("of 4 steps") } == 2)
      #expect(!log.contains { $0.contains("PESQ") && !$0.contains("Epoch") })
    }
  }

  @Test func cropsWithoutLabelAreNamedOnce() throws {
    try NonFiniteRun.with(train: 16, epochs: 2, change: use) { run in
      let path = run.folder.file("corpus/train/clean/u003.wav")
      let silence = try WaveFile.read(path: path).samples.map { _ in Float(0) }
      try floatFile(silence).write(to: URL(fileURLWithPath: path))
      let outcomes = try run.train()
      #expect(outcomes.allSatisfy { $0.isDone })
      let events = try run.events("unlabelled")
      try #require(events.count == 2)
      #expect(
        events.map { $0["utterances"] } == Array(repeating: .array([.string("u003")]), count: 2))
      #expect(events.map { $0["crops"] } == [.integer(1), .integer(2)])
      #expect(events[0]["reasons"] == .array([.string("a signal is silent")]))
      let log = try run.log()
      #expect(log.count { $0.contains("no label for u003 in step") } == 1)
      #expect(log.count { $0.contains("1 crop of epoch") } == 2)
    }
  }
}
