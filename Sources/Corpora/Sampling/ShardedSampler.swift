/// Distributes the items of an epoch over the ranks of a data-parallel run.
///
/// Step s takes the next `worldSize · batchSize` items of the order, the global batch; rank r gets
/// the r-th stretch of it. So n ranks of batch b see, together, the batches that one rank of batch
/// n · b would see. The last global batch may be smaller and is distributed as evenly as possible:
/// every rank takes part in every step, even without an item, and no item is lost or repeated.
public struct ShardedSampler: Sendable {
  /// The items of one rank in one step.
  public struct Step: Sendable, Equatable {
    /// Items of this rank; may be empty in the last step.
    public var items: [Int]
    /// Number of items of all ranks in this step, by which the sum of the gradients is divided.
    public var globalItemCount: Int
  }

  /// The items of the epoch, in the order in which they are visited.
  public let order: [UInt32]
  /// Number of ranks.
  public let worldSize: Int
  /// Number of this rank.
  public let rank: Int
  /// Number of items of a rank in a full step.
  public let batchSize: Int

  /// A sampler for rank `rank` of `worldSize` that takes `batchSize` items of `order` per step.
  public init(order: [UInt32], worldSize: Int, rank: Int, batchSize: Int) {
    precondition(
      worldSize > 0 && (0..<worldSize).contains(rank) && batchSize > 0,
      "ShardedSampler: worldSize \(worldSize), rank \(rank), batchSize \(batchSize)")
    self.order = order
    self.worldSize = worldSize
    self.rank = rank
    self.batchSize = batchSize
  }

  /// Number of steps of the epoch, equal on every rank.
  public var stepCount: Int {
    let globalBatch = worldSize * batchSize
    return (order.count + globalBatch - 1) / globalBatch
  }

  /// The items in step number `step` of 0..<stepCount.
  public subscript(step: Int) -> Step {
    precondition(
      (0..<stepCount).contains(step), "ShardedSampler: step \(step) of \(stepCount)")
    let start = step * worldSize * batchSize
    let count = min(worldSize * batchSize, order.count - start)
    let (least, extra) = count.quotientAndRemainder(dividingBy: worldSize)
    let own = start + rank * least + min(rank, extra)
    return Step(
      items: order[own..<own + least + (rank < extra ? 1 : 0)].map(Int.init),
      globalItemCount: count)
  }
}
