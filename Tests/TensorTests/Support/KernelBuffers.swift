import KernelAPI
import Tensor
import Testing

/// Floats for a kernel to read or write, with a margin on both sides that it must leave alone.
struct KernelBuffer {
  private let storage: Storage
  let count: Int
  private static let margin = 32
  private static let sentinel: Float = -12345.678

  /// `count` copies of `value`.
  init(_ count: Int, repeating value: Float = 0) {
    self.count = count
    storage = Storage(count: count + 2 * Self.margin)
    storage.buffer.update(repeating: Self.sentinel)
    for i in 0..<count { base[i] = value }
  }

  /// A copy of `values`.
  init(_ values: [Float]) {
    self.init(values.count)
    for (i, value) in values.enumerated() { base[i] = value }
  }

  /// Rows of `width` values in `range`, `stride` apart, zeros between.
  init(
    rows: Int, width: Int, stride: Int, _ range: ClosedRange<Float> = -1...1, seed: UInt64,
    _ stream: String
  ) {
    self.init(rows * stride)
    let values = randomFloats(rows * width, range, seed: seed, stream: stream)
    for row in 0..<rows {
      for j in 0..<width { base[row * stride + j] = values[row * width + j] }
    }
  }

  var base: MutableFloatPointer { storage.base + Self.margin }
  var pointer: FloatPointer { FloatPointer(base) }

  /// All of it as rows of `columns` numbers, `stride` apart or side by side.
  func matrix(_ columns: Int, stride: Int? = nil) -> MatrixView {
    let stride = stride ?? columns
    return MatrixView(base, rows: count / stride, columns: columns, stride: stride)
  }

  var elements: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }

  /// Whether nothing was written outside.
  var isIntact: Bool {
    let all = storage.buffer
    return all.prefix(Self.margin).allSatisfy { $0 == Self.sentinel }
      && all.suffix(Self.margin).allSatisfy { $0 == Self.sentinel }
  }
}

/// Scratch of the selective scan, with guards between its parts.
struct ScanRoom {
  let parts: ScanScratch
  private let slab: Slab

  init(channels: Int, states: Int) {
    func carve(_ carver: inout SlabCarver) -> ScanScratch {
      ScanScratch(&carver, channels: channels, states: states)
    }
    slab = Slab(guardCount: 2 * laneCount, for: carve)
    parts = slab.carve(carve)
  }

  /// Whether nothing was written between the parts.
  var isIntact: Bool { slab.guardsAreIntact }
}

/// The largest |actual − expected|/allowed of all elements; NaN counts as infinite.
func worstExcess(
  _ actual: [Float], _ expected: [Double], allowed: [Double]
) -> Double {
  var worst = 0.0
  for i in expected.indices {
    let excess = abs(Double(actual[i]) - expected[i]) / allowed[i]
    worst = excess.isNaN ? .infinity : max(worst, excess)
  }
  return worst
}
