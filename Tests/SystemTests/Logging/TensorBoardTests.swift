import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `--tensorboard`, read back by TensorBoard.
@Suite(.serialized) struct TensorBoardTests {
  private struct Contents: Decodable {
    let scalars: [String: [[Double?]]]
    let texts: [String: [String]]
  }

  /// Contents as TensorBoard reads them: [tag: [(step, value)]] with values in float32, and texts.
  private func read(
    _ folder: String
  ) throws -> (scalars: [String: [(step: Int, value: Float?)]], texts: [String: [String]]) {
    let outcome = try TestPython.run("read_tensorboard.py", [folder])
    #expect(outcome.status == 0, "\(outcome)")
    // Python's JSON knows NaN.
    let json = outcome.output.replacing("NaN", with: "null")
    let contents = try JSONDecoder().decode(Contents.self, from: Data(json.utf8))
    let scalars = contents.scalars.mapValues { pairs in
      pairs.map { (step: Int($0[0] ?? -1), value: $0[1].map(Float.init)) }
    }
    return (scalars, contents.texts)
  }

  /// Within the rounding of numbers that were written in decimal digits.
  private func isClose(_ a: Float?, _ b: Float?) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return abs(a - b) <= 1e-6 * max(abs(a), abs(b))
  }

  private func number(_ event: [String: Any], _ name: String) -> Float? {
    (event[name] as? NSNumber).map { Float($0.doubleValue) }
  }

  /// Everything that the run's own events have, in the same order, under its tag; and a part of a
  /// run that was done twice only once.
  @Test func tensorBoardReadsWhatTheEventsSay() throws {
    try TrainingBench.use(train: 8) { bench in
      let recipe = [
        "--epochs", "3", "--batch", "1", "--steps-per-epoch", "4", "--checkpoint-every", "2",
        "--tensorboard",
      ]
      let killed = try bench.train(
        ranks: 2, run: "run", recipe, environment: ["DISTTRAIN_FAULT": "kill-in-checkpoint@step=6"],
        until: "saved step 4", then: "true")
      #expect(killed.status == 137, "\(killed)")
      let resumed = try bench.train(ranks: 2, run: "run", recipe + ["--resume"])
      #expect(resumed.status == 0, "\(resumed)")
      // One file a start.
      #expect(try bench.folder.names(in: "run/tensorboard").count == 2)
      let (scalars, texts) = try read(bench.folder.file("run/tensorboard"))

      // The run's own file holds steps 5 and 6 twice; those of the second start count.
      let starts = try bench.events("run").indices { $0["event"] as? String == "start" }.ranges
      #expect(starts.count == 2)
      let restart = try #require(starts.last?.lowerBound)
      let events = try bench.events("run")
      let resumedAfter = try #require(events[restart]["step"] as? Int)
      #expect(resumedAfter == 4)
      let valid = events.enumerated().filter { index, event in
        index >= restart || (event["step"] as? Int).map { $0 <= resumedAfter } == true
      }.map(\.element)
      func expect(_ tag: String, _ event: String, _ field: String) {
        let expected = valid.filter { $0["event"] as? String == event }
          .map { (step: $0["step"] as? Int ?? -1, value: number($0, field)) }
        let found = scalars[tag] ?? []
        let same =
          found.count == expected.count
          && zip(found, expected).allSatisfy {
            $0.step == $1.step && isClose($0.value, $1.value)
          }
        #expect(same && !expected.isEmpty, "\(tag): \(found) instead of \(expected)")
      }
      expect("train/loss", "step", "loss")
      expect("train/learning_rate", "step", "learning_rate")
      expect("train/gradient_norm", "step", "gradient_norm")
      expect("step_seconds/data", "step", "data_seconds")
      expect("step_seconds/busy", "step", "busy_seconds")
      expect("step_seconds/exposed_exchange", "step", "exposed_exchange_seconds")
      expect("validation/pesq", "epoch", "pesq")
      expect("validation/noisy_pesq", "epoch", "noisy_pesq")
      expect("validation/si_sdr", "epoch", "si_sdr")
      expect("validation/loss", "epoch", "loss")
      expect("throughput/audio_seconds_per_second", "epoch", "audio_seconds_per_second")
      expect("pass_seconds/validation", "epoch", "validation_seconds")
      #expect(scalars["train/loss"]?.map(\.step) == Array(1...12))
      #expect(scalars["validation/pesq"]?.map(\.step) == [4, 8, 12])
      #expect(scalars["train/skipped"]?.allSatisfy { $0.value == 0 } == true)
      let configuration = try #require(
        texts["configuration/text_summary"] ?? texts["configuration"])
      #expect(configuration.last?.contains("\"learningRate\"") == true, "\(configuration)")
    }
  }

  /// A loss that is none is not left out, and a run that goes back forgets what it goes back over.
  @Test func stepsThatAreNotFiniteAreThere() throws {
    try TrainingBench.use(train: 6) { bench in
      let run = try bench.train(
        run: "run",
        [
          "--epochs", "2", "--batch", "1", "--steps-per-epoch", "6", "--checkpoint-every", "2",
          "--skip-limit", "2", "--tensorboard",
        ], environment: ["DISTTRAIN_FAULT": "poison-weight@step=5"])
      #expect(run.status == 0, "\(run)")
      #expect(try bench.events("run", "rollback").count == 1)
      let (scalars, _) = try read(bench.folder.file("run/tensorboard"))
      #expect(scalars["train/loss"]?.map(\.step) == Array(1...12))
      #expect(scalars["train/loss"]?.allSatisfy { $0.value != nil } == true)

      let poisoned = try bench.train(
        run: "other", ["--epochs", "1", "--batch", "1", "--steps-per-epoch", "4", "--tensorboard"],
        environment: ["DISTTRAIN_FAULT": "poison-input@step=2"])
      #expect(poisoned.status == 0, "\(poisoned)")
      let other = try read(bench.folder.file("other/tensorboard")).scalars
      #expect(other["train/skipped"]?.map(\.value) == [0, 1, 0, 0])
      #expect(other["train/loss"]?.map { $0.value == nil } == [false, true, false, false])
    }
  }

  /// Back over the end of an epoch, in whose last step the weights were spoiled.
  @Test func anEpochThatARollbackUndoesIsThereOnce() throws {
    try TrainingBench.use(train: 4) { bench in
      let run = try bench.train(
        run: "run",
        [
          "--epochs", "3", "--batch", "1", "--steps-per-epoch", "4", "--checkpoint-every", "2",
          "--skip-limit", "2", "--tensorboard",
        ], environment: ["DISTTRAIN_FAULT": "poison-weight@step=8"])
      #expect(run.status == 0, "\(run)")
      let rollback = try #require(try bench.events("run", "rollback").first)
      #expect(rollback["from_step"] as? Int == 9 && rollback["step"] as? Int == 6)
      let epochs = try bench.events("run", "epoch")
      #expect(epochs.map { $0["epoch"] as? Int } == [1, 2, 2, 3])
      let (scalars, _) = try read(bench.folder.file("run/tensorboard"))
      #expect(scalars["train/loss"]?.map(\.step) == Array(1...12))
      let losses = scalars["train/pass_loss"] ?? []
      #expect(losses.map(\.step) == [4, 8, 12])
      let counting = [epochs[0], epochs[2], epochs[3]].map { number($0, "train_loss") }
      #expect(zip(losses, counting).allSatisfy { isClose($0.value, $1) }, "\(losses) \(counting)")
      #expect(!isClose(number(epochs[1], "train_loss"), counting[1]))
    }
  }

  @Test func aFolderThatCannotBeMadeIsOneError() throws {
    try TrainingBench.use(train: 1) { bench in
      try bench.folder.makeFolder("run")
      try "".write(toFile: bench.folder.file("run/tensorboard"), atomically: true, encoding: .utf8)
      let outcome = try bench.train(run: "run", ["--epochs", "1", "--tensorboard"])
      #expect(
        outcome.status == 1 && outcome.errors.contains("holds files of a run (tensorboard)"),
        "\(outcome)")
    }
  }
}
