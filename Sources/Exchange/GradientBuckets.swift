/// Ranges of a flat buffer of gradient sums that travel together, from its end to its start.
///
/// Parameters lie in forward order, so backward finishes the end of the buffer first. All ranks
/// hold buffers of the same length and reduce the buckets in the same order.
public struct GradientBuckets: Sendable, Equatable {
  /// Element ranges in the order they are reduced; together they cover the buffer once.
  public let ranges: [Range<Int>]
  /// Number of elements in the buffer.
  public let count: Int

  /// Buckets of about `bucketBytes` on the wire (whole cache lines; the last one may be smaller)
  /// over `count` numbers of `elementBytes`.
  public init(count: Int, bucketBytes: Int, elementBytes: Int = 8) {
    precondition(count >= 0, "GradientBuckets: \(count) elements")
    precondition(
      bucketBytes >= 64 && elementBytes > 0 && 64 % elementBytes == 0,
      "GradientBuckets: \(bucketBytes) bytes of elements of \(elementBytes)")
    let size = bucketBytes / 64 * 64 / elementBytes
    self.count = count
    // Cut at multiples of `size` from the start, so that every bucket begins on a cache line.
    ranges = stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }.reversed()
  }
}
