import Tensor

/// Noisy and clean spectrograms of one item of a step, each [1, T, F, 2].
package typealias BatchItem = (noisy: Tensor, clean: Tensor)

/// Samples of an item, as the labels of a discriminator need them.
package struct BatchCrop: Sendable {
  /// Index of the utterance in the training split.
  package let utterance: Int
  /// Samples of the clean crop.
  package let clean: [Float]
  /// Samples of the noisy crop.
  package let noisy: [Float]

  /// Crop of the utterance numbered `utterance`, from 0; signals of one length.
  package init(utterance: Int, clean: [Float], noisy: [Float]) {
    self.utterance = utterance
    self.clean = clean
    self.noisy = noisy
  }
}

/// This rank's items of one step, made one at a time.
package protocol BatchSource {
  /// Number of items.
  var count: Int { get }
  /// Makes the item `index`; nil if it is left out, so that the step is one of the others. A step
  /// asks for each once, in order.
  func item(_ index: Int) throws -> BatchItem?
  /// The samples of the item `index`, the last that was made, for the labels of a discriminator.
  func crop(_ index: Int) -> BatchCrop
  /// Seconds that the step has waited for its items so far.
  var waitedSeconds: Double { get }
}

/// Items in memory, for steps that measure something else than loading.
package struct LoadedBatch: BatchSource {
  private let items: [BatchItem]
  private let crops: [BatchCrop]

  /// Batch of `items`, the same in every step; `crops` are their samples, for a discriminator.
  package init(_ items: [BatchItem], crops: [BatchCrop] = []) {
    self.items = items
    self.crops =
      crops.isEmpty
      ? items.indices.map { BatchCrop(utterance: $0, clean: [], noisy: []) } : crops
    precondition(
      self.crops.count == items.count, "LoadedBatch: \(items.count) items, \(crops.count) crops")
  }

  /// Number of items.
  package var count: Int { items.count }
  /// The item `index`.
  package func item(_ index: Int) -> BatchItem? { items[index] }
  /// The samples of the item `index`.
  package func crop(_ index: Int) -> BatchCrop { crops[index] }
  /// Always 0.
  package var waitedSeconds: Double { 0 }
}
