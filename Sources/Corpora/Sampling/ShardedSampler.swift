/// Deals the items of an epoch to the ranks of a data-parallel run.
///
/// Step s takes the next `worldSize · batchSize` items of the order, the global batch; rank r gets
/// the r-th stretch of it. So n ranks of batch b see, together, the batches that one rank of batch
/// n · b would see. The last global batch may be smaller and is dealt as evenly as possible: every
/// rank takes part in every step, if with no item, and none is lost or doubled.
public struct ShardedSampler: Sendable {
  /// What one rank does in one step.
  public struct Step: Sendable, Equatable {
    /// This rank's items; may be empty in the last step.
    public var items: [Int]
    /// Items of all ranks in this step: what the sum of the gradients is divided by.
    public var globalItemCount: Int
  }

  /// The items of the epoch, in the order in which they are visited.
  public let order: [Int]
  /// How many ranks there are.
  public let worldSize: Int
  /// Which one this is.
  public let rank: Int
  /// Items of a rank in a full step.
  public let batchSize: Int

  /// Deals `order` to rank `rank` of `worldSize`, `batchSize` items a step.
  public init(order: [Int], worldSize: Int, rank: Int, batchSize: Int) {
    precondition(
      worldSize > 0 && (0..<worldSize).contains(rank) && batchSize > 0,
      "ShardedSampler: worldSize \(worldSize), rank \(rank), batchSize \(batchSize)")
    self.order = order
    self.worldSize = worldSize
    self.rank = rank
    self.batchSize = batchSize
  }

  /// How many steps the epoch has; the same for every rank.
  public var stepCount: Int {
    let globalBatch = worldSize * batchSize
    return (order.count + globalBatch - 1) / globalBatch
  }

  /// Step number `step` of 0..<stepCount.
  public subscript(step: Int) -> Step {
    precondition(
      (0..<stepCount).contains(step), "ShardedSampler: step \(step) of \(stepCount)")
    let start = step * worldSize * batchSize
    let count = min(worldSize * batchSize, order.count - start)
    let (least, extra) = count.quotientAndRemainder(dividingBy: worldSize)
    let own = start + rank * least + min(rank, extra)
    return Step(
      items: Array(order[own..<own + least + (rank < extra ? 1 : 0)]), globalItemCount: count)
  }
}
