import KernelAPI

// Rows of register tiles, for products and convolutions.

/// One row of a tile, a fixed number of vectors.
protocol TileRow {
  /// Vectors times lanes.
  static var width: Int { get }
  /// Zeros.
  init()
  /// The row at `p`.
  init(_ p: FloatPointer)
  /// self += s·r
  mutating func add(_ s: Float, _ r: Self)
  /// Stores the row to `p`.
  func write(_ p: MutableFloatPointer)
  /// The first `count` numbers at `p`, zeros behind them.
  init(_ p: FloatPointer, count: Int)
  /// Stores the first `count` numbers to `p`.
  func write(_ p: MutableFloatPointer, count: Int)
}

extension TileRow {
  @inline(__always) init(_ p: FloatPointer?) {
    if let p { self.init(p) } else { self.init() }
  }
}

struct OneVector: TileRow {
  var v: Vector

  static var width: Int { laneCount }
  @inline(__always) init() { v = Vector(repeating: 0) }
  @inline(__always) init(_ p: FloatPointer) { v = load(p) }
  @inline(__always) mutating func add(_ s: Float, _ r: OneVector) {
    v = v.addingProduct(Vector(repeating: s), r.v)
  }
  @inline(__always) func write(_ p: MutableFloatPointer) { store(v, p) }
  @inline(__always) init(_ p: FloatPointer, count: Int) {
    if count >= laneCount {
      v = load(p)
      return
    }
    v = Vector(repeating: 0)
    for lane in 0..<max(0, count) { v[lane] = p[lane] }
  }
  @inline(__always) func write(_ p: MutableFloatPointer, count: Int) {
    if count >= laneCount {
      store(v, p)
      return
    }
    for lane in 0..<max(0, count) { p[lane] = v[lane] }
  }
}

struct Pair<First: TileRow, Second: TileRow>: TileRow {
  var first: First
  var second: Second

  @inline(__always) static var width: Int { First.width + Second.width }
  @inline(__always) init() {
    first = First()
    second = Second()
  }
  @inline(__always) init(_ p: FloatPointer) {
    first = First(p)
    second = Second(p + First.width)
  }
  @inline(__always) mutating func add(_ s: Float, _ r: Pair) {
    first.add(s, r.first)
    second.add(s, r.second)
  }
  @inline(__always) func write(_ p: MutableFloatPointer) {
    first.write(p)
    second.write(p + First.width)
  }
  @inline(__always) init(_ p: FloatPointer, count: Int) {
    first = First(p, count: count)
    second = Second(p + First.width, count: count - First.width)
  }
  @inline(__always) func write(_ p: MutableFloatPointer, count: Int) {
    first.write(p, count: count)
    second.write(p + First.width, count: count - First.width)
  }
}

typealias TwoVectors = Pair<OneVector, OneVector>
typealias ThreeVectors = Pair<TwoVectors, OneVector>
typealias FourVectors = Pair<TwoVectors, TwoVectors>
