import Checkpoints
import Communication
import Foundation
import Recipes
import Tensor

/// Where a run goes back to.
enum LastGoodState: Equatable {
  /// The checkpoint in this file.
  case checkpoint(path: String)
  /// The initial state: there is no good checkpoint.
  case start

  /// Brings `state` on all ranks to the newest good checkpoint of `store`, or to the initial state
  /// of the recipe, as rank 0 has it. Counters are the checkpoint's too.
  static func restore(
    _ state: TrainingState, _ configuration: TrainingConfiguration, from store: CheckpointStore,
    over communicator: any Communicator
  ) throws -> LastGoodState {
    do {
      let found = try store.load(into: state, configuration, finite: true, over: communicator)
      return .checkpoint(path: found.checkpoint.path)
    } catch let failure as RootFailure {
      // Such a run has a checkpoint of its start: the file may be another one by now.
      if configuration.initialization != nil { throw failure }
      state.become(TrainingState(configuration))
      // The initial values are functions of the seed; rank 0's are everybody's, as at the start.
      try communicator.broadcast(state.model.parameters.values.buffer, root: 0)
      state.average?.values.buffer.update(from: state.model.parameters.values)
      for tensor in state.adversarial?.tensors ?? [] {
        try communicator.broadcast(tensor.values.buffer, root: 0)
      }
      return .start
    }
  }
}

extension TrainingState {
  /// All buffers that a checkpoint holds.
  private var buffers: [Storage] {
    [model.parameters.values, adam.firstMoment, adam.secondMoment]
      + (average.map { [$0.values] } ?? []) + (adversarial?.tensors.map(\.values) ?? [])
  }

  /// Whether every number of the weights, moments and averages is finite.
  package var isFinite: Bool {
    buffers.allSatisfy { TensorStatistics(UnsafeBufferPointer($0.buffer)).isFinite }
  }

  /// Takes over everything that `other`, of the same recipe, holds.
  func become(_ other: TrainingState) {
    for (mine, theirs) in zip(buffers, other.buffers) { mine.buffer.update(from: theirs) }
    adam.stepCount = other.adam.stepCount
    if let average, let theirs = other.average { average.updateCount = theirs.updateCount }
    if let adversarial, let theirs = other.adversarial {
      adversarial.adam.stepCount = theirs.adam.stepCount
    }
    progress = other.progress
  }

  /// Proves that all ranks hold the same weights, moments and averages.
  func verifyReplicas(over communicator: any Communicator) throws(ReplicaError) {
    for (buffer, subject) in zip(
      buffers,
      ["parameters", "first moments", "second moments"] + (average == nil ? [] : ["averages"]))
    {
      try ReplicaCheck.verify(
        UnsafeBufferPointer(buffer.buffer), subject: subject, over: communicator)
    }
    for tensor in adversarial?.tensors ?? [] {
      try ReplicaCheck.verify(
        UnsafeBufferPointer(tensor.values.buffer), subject: "discriminator", over: communicator)
    }
  }
}

extension UnsafeMutableBufferPointer<Float> {
  /// Overwrites the elements with as many of `storage`.
  fileprivate func update(from storage: Storage) {
    precondition(count == storage.count, "\(count) elements, and \(storage.count) to take over")
    _ = update(fromContentsOf: storage.buffer)
  }
}
