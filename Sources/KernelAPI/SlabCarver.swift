/// Hands out the parts of one buffer, one behind the other, each padded to whole vectors.
///
/// A type that holds views of a buffer takes them from a carver in its initializer, so that its
/// list of parts is written once: run on a buffer it carves, and `floatCount` of it is the size
/// that the buffer must have.
public struct SlabCarver {
  private let base: MutableFloatPointer
  private let guardCount: Int
  /// Floats handed out so far, with padding and guards.
  public private(set) var count = 0
  /// Offsets of the guards, each `guardCount` floats that belong to no part.
  public private(set) var guards: [Int] = []

  /// Carves the buffer at `base`, with `guardCount` floats, a multiple of `laneCount`, behind each
  /// part.
  public init(_ base: MutableFloatPointer, guardCount: Int = 0) {
    self.base = base
    self.guardCount = guardCount
  }

  /// The next part: `count` floats.
  public mutating func vector(_ count: Int) -> MutableFloatPointer {
    let part = base + self.count
    self.count += paddedToLanes(count)
    if guardCount > 0 {
      guards.append(self.count)
      self.count += guardCount
    }
    return part
  }

  /// The next part: a matrix with rows of whole vectors, side by side.
  public mutating func matrix(rows: Int, columns: Int) -> MatrixView {
    MatrixView(vector(rows * paddedToLanes(columns)), rows: rows, columns: columns)
  }
}

extension SlabCarver {
  /// Floats that `parts` takes from a carver; what it makes of them is thrown away.
  public static func floatCount(
    guardCount: Int = 0, of parts: (inout SlabCarver) -> some Any
  ) -> Int {
    // The parts point outside of this vector, where nothing is read or written.
    withUnsafeTemporaryAllocation(of: Float.self, capacity: laneCount) { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      var carver = SlabCarver(base, guardCount: guardCount)
      _ = parts(&carver)
      return carver.count
    }
  }
}
