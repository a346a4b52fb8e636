/// Statistics that show whether a tensor is finite: its largest magnitude, and its numbers of NaN
/// and infinite elements.
public struct TensorStatistics: Codable, Equatable, Sendable {
  /// Number of elements.
  public private(set) var count = 0
  /// Number of NaN elements.
  public private(set) var nanCount = 0
  /// Number of infinite elements.
  public private(set) var infinityCount = 0
  /// Largest magnitude of the finite elements; 0 if there are none.
  public private(set) var largest: Float = 0

  /// Statistics of no elements.
  public init() {}

  /// Statistics of `values`.
  public init(_ values: UnsafeBufferPointer<Float>) {
    count = values.count
    for value in values {
      let magnitude = value.magnitude
      if magnitude < .infinity {
        largest = max(largest, magnitude)
      } else if magnitude == .infinity {
        infinityCount += 1
      } else {
        nanCount += 1
      }
    }
  }

  /// Statistics of `values`.
  public init(_ values: [Float]) { self = values.withUnsafeBufferPointer { Self($0) } }

  /// Whether every element is finite.
  public var isFinite: Bool { nanCount == 0 && infinityCount == 0 }

  /// Adds the statistics of other elements.
  public mutating func merge(_ other: TensorStatistics) {
    count += other.count
    nanCount += other.nanCount
    infinityCount += other.infinityCount
    largest = max(largest, other.largest)
  }
}
