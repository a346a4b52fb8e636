import Models
import Recipes
import Tensor

/// All of a discriminator that changes while it trains: weights, vectors of the spectral norms and
/// moments.
public final class AdversarialState {
  /// The discriminator.
  public let discriminator: MetricDiscriminator
  /// Its optimiser.
  public let adam: Adam

  /// The start of a run of `seed`.
  package init(_ recipe: DiscriminatorRecipe, seed: UInt64) {
    discriminator = MetricDiscriminator(
      channels: recipe.channels, beta: Float(recipe.beta), dropout: recipe.dropout, seed: seed)
    adam = Adam(discriminator.parameters, recipe.optimizer)
  }

  /// Everything that a checkpoint holds besides the count of steps, with the arena whose layout it
  /// has and the prefix of its names.
  package var tensors: [(prefix: String, arena: ParameterArena, values: Storage)] {
    let parameters = discriminator.parameters
    return [
      ("discriminator.", parameters, parameters.values),
      ("discriminator.", discriminator.spectralState, discriminator.spectralState.values),
      ("discriminator.adam.exp_avg.", parameters, adam.firstMoment),
      ("discriminator.adam.exp_avg_sq.", parameters, adam.secondMoment),
    ]
  }

  /// Whether every number is finite.
  package var isFinite: Bool {
    tensors.allSatisfy { TensorStatistics(UnsafeBufferPointer($0.values.buffer)).isFinite }
  }

  /// Takes over everything that `other` holds.
  package func become(_ other: AdversarialState) {
    for (mine, theirs) in zip(tensors, other.tensors) {
      _ = mine.values.buffer.update(fromContentsOf: theirs.values.buffer)
    }
    adam.stepCount = other.adam.stepCount
  }

  /// A copy of a part as it is, to return to it.
  package struct Snapshot {
    fileprivate let values: [(storage: Storage, copy: [Float])]
    fileprivate let stepCount: Int
  }

  /// A copy of the vectors of the spectral norms, which every pass moves.
  package func snapshotOfNorms() -> Snapshot { snapshot([discriminator.spectralState.values]) }

  /// A copy of weights and moments, which a step of the optimiser moves.
  package func snapshotOfWeights() -> Snapshot {
    snapshot([discriminator.parameters.values, adam.firstMoment, adam.secondMoment])
  }

  private func snapshot(_ storages: [Storage]) -> Snapshot {
    Snapshot(values: storages.map { ($0, Array($0.buffer)) }, stepCount: adam.stepCount)
  }

  /// Returns to `snapshot`.
  package func restore(_ snapshot: Snapshot) {
    for (storage, copy) in snapshot.values { _ = storage.buffer.update(fromContentsOf: copy) }
    adam.stepCount = snapshot.stepCount
  }
}
