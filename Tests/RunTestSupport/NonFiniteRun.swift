import Audio
import Checkpoints
import Communication
import Corpora
import DistTrain
import Files
import Foundation
import Loading
import Models
import Recipes
import RunFiles
import Tensor
import TestSupport
import Testing

/// A run of the tiny model on in-process ranks, whose numbers a test spoils.
package struct NonFiniteRun {
  /// State of a rank at the end.
  package struct Outcome: Sendable {
    package var error: String?
    package var isDone = false
    package var progress = TrainingProgress()
    package var adamSteps = 0
    /// Weights, both moments, and those of a discriminator.
    package var values: [[Float]] = []
  }

  package let folder: URL
  package let pairs: UtteranceIndex
  package let configuration: TrainingConfiguration
  package static let ranks = 2

  package var runFolder: RunFolder { RunFolder(folder.file("run")) }
  package var dumpFolder: URL { folder.appending(path: "run/nonfinite") }

  /// Runs `body` with a corpus of `train` utterances in global batches of 4. `change` changes the
  /// recipe.
  package static func with(
    train: Int = 12, epochs: Int = 2, change: (inout TrainingConfiguration) -> Void = { _ in },
    _ body: (NonFiniteRun) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      _ = try FixtureCorpus(in: folder, splits: ["train": train])
      try body(NonFiniteRun(in: folder, epochs: epochs, change: change))
    }
  }

  package init(
    in folder: URL, epochs: Int, change: (inout TrainingConfiguration) -> Void = { _ in }
  ) throws {
    self.folder = folder
    pairs = try PairedDataset(folder: folder.file("corpus"), split: .train).pairs
    let model = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    configuration = TrainingConfiguration(model: model) {
      $0.seed = 3
      $0.epochs = epochs
      $0.batch = 2
      $0.ranks = Self.ranks
      $0.cropSeconds = 0.5
      $0.averageDecay = 0.9
      change(&$0)
    }
  }

  /// Trains on two ranks into `run`. `prepare` may change the state that it starts from.
  package func train(
    _ policy: NonFinitePolicy = NonFinitePolicy(), stepLimit: Int? = nil, into name: String = "run",
    valid: [UtterancePair] = [], validatesAsynchronously: Bool = false,
    hooks: @escaping @Sendable (_ rank: Int) -> StepHooks = { _ in StepHooks() },
    prepare: @escaping @Sendable (TrainingState) throws -> Void = { _ in }
  ) throws -> [Outcome] {
    let run = RunFolder(folder.file(name))
    try run.prepare()
    let log = folder.file("\(name).log")
    let (configuration, pairs) = (configuration, pairs)
    return try LocalCommunicator.run(size: Self.ranks) { communicator in
      let output = open(log, O_WRONLY | O_CREAT | O_APPEND, 0o666)
      defer { close(output) }
      let state = TrainingState(configuration)
      try prepare(state)
      let trainer = try Trainer(
        configuration, state: state, pairs: pairs, hooks: hooks(communicator.rank),
        over: communicator)
      let runLog = try RunLog(
        rank: communicator.rank, runFolder: run.url, standardOutput: output,
        standardError: output)
      let saving = RunSaving(
        store: CheckpointStore(run), interval: .standard, end: nil, margin: nil,
        receivedSignal: { nil }, log: runLog, over: communicator)
      let validation = try Validation(
        state, pairs: valid, isAsynchronous: validatesAsynchronously, log: runLog,
        over: communicator)
      let training = try TrainingLoop(
        trainer, folder: run, log: runLog, saving: saving, validation: validation,
        nonFinite: policy, stepLimit: stepLimit, over: communicator)
      var outcome = Outcome()
      do {
        outcome.isDone = try training.run() == .complete
      } catch {
        outcome.error = "\(error)"
      }
      outcome.progress = state.progress
      outcome.adamSteps = state.adam.stepCount
      outcome.values = [
        state.model.parameters.values, state.adam.firstMoment, state.adam.secondMoment,
      ].map { Array($0.buffer) }
      outcome.values += (state.adversarial?.tensors ?? []).map { Array($0.values.buffer) }
      return outcome
    }
  }

  package func log(_ name: String = "run") throws -> [String] {
    try String(contentsOfFile: folder.file("\(name).log"), encoding: .utf8)
      .split(separator: "\n").map(String.init)
  }

  /// The events of one kind in metrics.jsonl.
  package func events(_ kind: String, _ name: String = "run") throws -> [JSONValue] {
    let text = try String(contentsOfFile: folder.file("\(name)/metrics.jsonl"), encoding: .utf8)
    return try text.split(separator: "\n").map { try JSONValue(parsing: $0.utf8) }
      .filter { $0["event"] == .string(kind) }
  }

  /// Epochs of the rows in history.csv.
  package func historyEpochs(_ name: String = "run") throws -> [String] {
    try String(contentsOfFile: folder.file("\(name)/history.csv"), encoding: .utf8)
      .split(separator: "\n").dropFirst().map { String($0.prefix { $0 != "," }) }
  }

  /// Names of the utterances that `rank` takes in a step, counted from 1.
  package func names(step: Int, rank: Int) -> [String] {
    let stepsPerEpoch = (pairs.count + 3) / 4
    let order = UtteranceOrder(
      configuration, utteranceCount: pairs.count, worldSize: Self.ranks, rank: rank)
    let epoch = (step - 1) / stepsPerEpoch + 1
    return order.sampler(epoch: epoch)[(step - 1) % stepsPerEpoch].items.map { pairs[$0].name }
  }
}

/// The bytes of a WAV file of 32-bit floats, mono at 16 kHz, finite or not.
package func floatFile(_ samples: [Float]) -> Data {
  var data = Data("RIFF".utf8)
  func append(_ value: Int, _ count: Int) {
    for index in 0..<count { data.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }
  append(36 + 4 * samples.count, 4)
  data += Data("WAVEfmt ".utf8)
  append(16, 4)
  append(3, 2)
  append(1, 2)
  append(16_000, 4)
  append(64_000, 4)
  append(4, 2)
  append(32, 2)
  data += Data("data".utf8)
  append(4 * samples.count, 4)
  for sample in samples { append(Int(sample.bitPattern), 4) }
  return data
}

/// Puts `value` into every thousandth sample of a recording of the corpus, so that it is in every
/// crop.
package func spoil(_ path: String, with value: Float) throws {
  var samples = try WaveFile.read(path: path).samples
  for index in stride(from: 500, to: samples.count - 1, by: 1000) { samples[index] = value }
  try floatFile(samples).write(to: URL(fileURLWithPath: path))
}

/// Changes all elements of the parameter `name`.
package func change(_ parameters: ParameterArena, _ name: String, _ body: (Float) -> Float) {
  for parameter in parameters.parameters where parameter.name == name {
    for index in 0..<parameter.count { parameter.value[index] = body(parameter.value[index]) }
  }
}
