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

  /// A copy of everything as it is, to return to it.
  package struct Snapshot {
    fileprivate let values: [[Float]]
    fileprivate let stepCount: Int
  }

  /// A copy of everything as it is.
  package func snapshot() -> Snapshot {
    Snapshot(values: tensors.map { Array($0.values.buffer) }, stepCount: adam.stepCount)
  }

  /// Returns to `snapshot`.
  package func restore(_ snapshot: Snapshot) {
    for (tensor, values) in zip(tensors, snapshot.values) {
      _ = tensor.values.buffer.update(fromContentsOf: values)
    }
    adam.stepCount = snapshot.stepCount
  }
}
