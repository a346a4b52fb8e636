import Recipes

extension TrainingConfiguration {
  /// The recipe's discriminator; nil if it has none.
  package var adversary: DiscriminatorRecipe? { recipe.discriminator }

  /// The first epoch, from 1, whose generator's loss has the adversarial term; nil if the recipe
  /// has no discriminator.
  package var firstAdversarialEpoch: Int? {
    adversary.map { $0.from.epochsBefore(of: epochs) + 1 }
  }
}

extension DiscriminatorRecipe {
  /// How PESQ becomes a label.
  package var labels: LabelScale { LabelScale(offset: labelOffset, scale: labelScale) }

  /// Whether the noisy crop is learned against the estimate.
  package var hasNoisyTerm: Bool { terms.contains(.noisy) }

  /// Its own passes, in their order.
  package var passes: [AdversarialPass] {
    terms.map { term in
      switch term {
      case .clean: .clean
      case .estimate: .estimate
      case .noisy: .noisy
      }
    }
  }
}
