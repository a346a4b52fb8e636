import CPrefetch
import KernelAPI

/// Sixteen floats: one register with AVX-512, a pair with AVX2.
typealias Vector = SIMD16<Float>

/// The vector at `pointer`, aligned or not.
@inline(__always)
func load(_ pointer: FloatPointer) -> Vector {
  UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

/// The vector at `pointer`, aligned or not.
@inline(__always)
func load(_ pointer: MutableFloatPointer) -> Vector {
  UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

/// Writes `vector` to `pointer`.
@inline(__always)
func store(_ vector: Vector, _ pointer: MutableFloatPointer) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
}

/// Asks for the cache line at `pointer` ahead of its use; it may point anywhere.
@inline(__always)
func cachePrefetch(_ pointer: FloatPointer) { cache_prefetch(pointer) }

/// Zeros; `count` is whole vectors.
@inline(__always)
func zero(_ pointer: MutableFloatPointer, count: Int) {
  var i = 0
  while i < count {
    store(Vector(repeating: 0), pointer + i)
    i += laneCount
  }
}

/// Σ of the lanes, by halves: `.sum()` would add them one after the other.
@inline(__always)
func laneSum(_ v: Vector) -> Float {
  let eight = v.lowHalf + v.highHalf
  let four = eight.lowHalf + eight.highHalf
  let two = four.lowHalf + four.highHalf
  return two[0] + two[1]
}

/// The smallest lane; of lanes that are NaN some are passed over.
@inline(__always)
func laneMinimum(_ v: Vector) -> Float {
  let eight = v.lowHalf.replacing(with: v.highHalf, where: v.highHalf .< v.lowHalf)
  let four = eight.lowHalf.replacing(
    with: eight.highHalf, where: eight.highHalf .< eight.lowHalf)
  let two = four.lowHalf.replacing(with: four.highHalf, where: four.highHalf .< four.lowHalf)
  return two[0] < two[1] ? two[0] : two[1]
}

/// Lane i of the result is the lane sum of the vector at `pointer + 16·i`.
@inline(__always)
func laneSums(of16 pointer: FloatPointer) -> Vector {
  @inline(__always) func pair(_ i: Int) -> SIMD16<Float> {
    let a = load(pointer + i * laneCount)
    let b = load(pointer + (i + 8) * laneCount)
    return Vector(lowHalf: a.lowHalf + a.highHalf, highHalf: b.lowHalf + b.highHalf)
  }
  // Each step halves the number of lanes that belong to one input; the inputs' order in the
  // halves is chosen so that the last step lands them in place.
  @inline(__always) func merge(_ a: Vector, _ b: Vector) -> Vector {
    Vector(lowHalf: a.evenHalf + a.oddHalf, highHalf: b.evenHalf + b.oddHalf)
  }
  // pair(i): 8 lanes of input i, then 8 of input i + 8.
  let p0 = merge(pair(0), pair(1))  // 4 of 0, 4 of 8, 4 of 1, 4 of 9
  let p1 = merge(pair(2), pair(3))
  let p2 = merge(pair(4), pair(5))
  let p3 = merge(pair(6), pair(7))
  let q0 = merge(p0, p1)  // 2 of 0, 8, 1, 9, 2, 10, 3, 11
  let q1 = merge(p2, p3)
  let r = merge(q0, q1)  // 0, 8, 1, 9, …, 7, 15
  return Vector(lowHalf: r.evenHalf, highHalf: r.oddHalf)
}

extension Kernels {
  /// out = x + y
  public static func sum(
    _ x: FloatPointer, _ y: FloatPointer, count: Int, out: MutableFloatPointer
  ) {
    var i = 0
    while i + laneCount <= count {
      store(load(x + i) + load(y + i), out + i)
      i += laneCount
    }
    while i < count {
      out[i] = x[i] + y[i]
      i += 1
    }
  }

  /// y += x
  public static func add(_ x: FloatPointer, to y: MutableFloatPointer, count: Int) {
    sum(x, FloatPointer(y), count: count, out: y)
  }

  /// out[j] += Σ_i x[i, j]
  public static func addColumnSums(_ x: MatrixView, to out: MutableFloatPointer) {
    for column in stride(from: 0, to: x.paddedColumns, by: laneCount) {
      var even = Vector(repeating: 0)
      var odd = Vector(repeating: 0)
      var row = x.base + column
      for _ in 0..<x.rows / 2 {
        even += load(row)
        odd += load(row + x.stride)
        row += 2 * x.stride
      }
      if x.rows % 2 == 1 { even += load(row) }
      store(load(out + column) + (even + odd), out + column)
    }
  }
}
