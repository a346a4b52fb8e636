import Checkpoints
import DistTrain
import RunTestSupport
import Testing

/// Runs that go back while an epoch is validated beside training.
@Suite struct RollbackWithValidationTests {
  // Four steps an epoch; 6 and 7 are skipped, while the first epoch is validated.
  @Test func goingBackGivesTheValidationUpAndDoesItAgain() throws {
    try NonFiniteRun.with(train: 16, epochs: 2) { run in
      let policy = NonFinitePolicy(skipLimit: 2, rollbackFactor: 0.5, rollbackLimit: 1)
      func train(_ name: String, isAsynchronous: Bool) throws -> [NonFiniteRun.Outcome] {
        try run.train(
          policy, into: name, valid: Array(run.pairs) + Array(run.pairs),
          validatesAsynchronously: isAsynchronous,
          hooks: {
            NumericalFault.poisonWeight(step: 6, rank: 1, name: "layers.0.cross.norm.weight")
              .hooks(rank: $0)
          })
      }
      let waiting = try train("a", isAsynchronous: false)
      let outcomes = try train("b", isAsynchronous: true)
      for (one, other) in zip(waiting, outcomes) {
        #expect(other.error == nil && other.isDone)
        #expect(one.progress == other.progress && other.progress.rollbacks == 1)
        let isSame = one.values == other.values
        #expect(isSame, "other weights than with validation that training waits for")
      }
      let log = try run.log("b")
      #expect(log.contains { $0.contains("back to step 4 (") }, "\(log)")
      #expect(try run.historyEpochs("b") == ["1", "2"])
      let lines = log.filter { $0.hasPrefix("Epoch ") }.map { $0.split(separator: " ")[3] }
      let expected = try run.log("a").filter { $0.hasPrefix("Epoch ") }
        .map { $0.split(separator: " ")[3] }
      #expect(lines == expected && lines.count == 2, "\(log)")
    }
  }
}
