import Tensor

/// Ranges of a flat buffer of gradient sums that travel together, from its end to its start.
///
/// Parameters lie in forward order, so backward finishes the end of the buffer first. All ranks
/// hold buffers of the same length and reduce the buckets in the same order.
public struct GradientBuckets: Sendable, Equatable {
  /// Element ranges in the order they are reduced; together they cover the buffer once.
  public let ranges: [Range<Int>]
  /// Number of elements in the buffer.
  public let count: Int

  /// Buckets of `bucketBytes` (rounded down to whole cache lines, the last one may be smaller) over
  /// `count` doubles.
  public init(count: Int, bucketBytes: Int = 1 << 20) {
    precondition(count >= 0, "GradientBuckets: \(count) elements")
    precondition(
      bucketBytes >= Self.lineBytes, "GradientBuckets: \(bucketBytes) bytes are below a cache line")
    let size = bucketBytes / Self.lineBytes * Self.lineBytes / MemoryLayout<Double>.stride
    self.count = count
    // Cut at multiples of `size` from the start, so that every bucket begins on a cache line.
    ranges = stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }.reversed()
  }

  /// Turns each rank's sum of gradients into the mean over the items of all ranks.
  ///
  /// `sums` holds the sum over this rank's `itemCount` items, and afterwards the sum over all
  /// ranks; their mean goes to `mean`. Dividing by the number of items of all ranks, which is
  /// returned, weights every item alike however unevenly they are dealt. A rank without items
  /// contributes zeros, whatever its buffer held. If no rank has any, the mean is zero.
  public func reduce(
    _ sums: UnsafeMutableBufferPointer<Double>, itemCount: Int,
    mean: UnsafeMutableBufferPointer<Float>, over communicator: any Communicator
  ) throws(CommunicationError) -> Int {
    precondition(
      sums.count == count && mean.count == count,
      "GradientBuckets: \(sums.count) sums and \(mean.count) means, made for \(count)")
    precondition(itemCount >= 0, "GradientBuckets: \(itemCount) items")
    if itemCount == 0 { sums.update(repeating: 0) }
    // A Double counts exactly up to 2^53.
    let globalCount = Int(try communicator.allReduceSum([Double(itemCount)])[0])
    let scale = globalCount == 0 ? 0 : 1 / Double(globalCount)
    for range in ranges {
      let bucket = UnsafeMutableBufferPointer(rebasing: sums[range])
      try communicator.allReduceSum(bucket)
      if let from = bucket.baseAddress, let to = mean.baseAddress {
        kernels.scale(from, by: scale, count: bucket.count, out: to + range.lowerBound)
      }
    }
    return globalCount
  }

  private static let lineBytes = 64
}
