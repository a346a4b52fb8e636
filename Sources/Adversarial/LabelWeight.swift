import Recipes

/// Numbers of a step's global batch that decide what the discriminator learns from it.
package struct LabelCounts: Equatable, Sendable {
  /// Crops of all ranks.
  package var crops: Int
  /// Crops among them with all their labels.
  package var labelled: Int

  /// Counts of a batch.
  package init(crops: Int, labelled: Int) {
    self.crops = crops
    self.labelled = labelled
  }

  /// Factor of the label terms, before sums over crops are divided by the number of all crops; 0
  /// leaves the terms out.
  package func labelWeight(_ missing: DiscriminatorRecipe.Missing) -> Float {
    switch missing {
    case .batch, .clean: labelled == crops ? 1 : 0
    case .utterance: labelled == 0 ? 0 : Float(Double(crops) / Double(labelled))
    }
  }

  /// Whether the discriminator has passes of its own, and a step.
  package func teaches(_ recipe: DiscriminatorRecipe) -> Bool {
    guard crops > 0 else { return false }
    if labelWeight(recipe.missing) > 0 { return true }
    return recipe.missing != .batch && recipe.terms.contains(.clean)
  }
}
