import KernelAPI

// Sixteen rows of sixteen floats are 256 floats whose place is row and column, four bits each.
// Transposing rotates these eight bits by four. One step rotates by one: the even elements of all
// rows go into the first eight, the odd ones into the last. So four steps do it, each of sixteen
// two-register permutations.

private struct Eight {
  var v0, v1, v2, v3, v4, v5, v6, v7: Vector
}

private struct Block {
  var low: Eight
  var high: Eight

  @inline(__always)
  init(_ p: FloatPointer, _ stride: Int) {
    low = Eight(
      v0: load(p), v1: load(p + stride), v2: load(p + 2 * stride), v3: load(p + 3 * stride),
      v4: load(p + 4 * stride), v5: load(p + 5 * stride), v6: load(p + 6 * stride),
      v7: load(p + 7 * stride))
    let q = p + 8 * stride
    high = Eight(
      v0: load(q), v1: load(q + stride), v2: load(q + 2 * stride), v3: load(q + 3 * stride),
      v4: load(q + 4 * stride), v5: load(q + 5 * stride), v6: load(q + 6 * stride),
      v7: load(q + 7 * stride))
  }

  @inline(__always)
  mutating func rotate() {
    @inline(__always) func even(_ a: Vector, _ b: Vector) -> Vector {
      Vector(lowHalf: a.evenHalf, highHalf: b.evenHalf)
    }
    @inline(__always) func odd(_ a: Vector, _ b: Vector) -> Vector {
      Vector(lowHalf: a.oddHalf, highHalf: b.oddHalf)
    }
    let (l, h) = (low, high)
    low = Eight(
      v0: even(l.v0, l.v1), v1: even(l.v2, l.v3), v2: even(l.v4, l.v5), v3: even(l.v6, l.v7),
      v4: even(h.v0, h.v1), v5: even(h.v2, h.v3), v6: even(h.v4, h.v5), v7: even(h.v6, h.v7))
    high = Eight(
      v0: odd(l.v0, l.v1), v1: odd(l.v2, l.v3), v2: odd(l.v4, l.v5), v3: odd(l.v6, l.v7),
      v4: odd(h.v0, h.v1), v5: odd(h.v2, h.v3), v6: odd(h.v4, h.v5), v7: odd(h.v6, h.v7))
  }

  @inline(__always)
  func write(_ p: MutableFloatPointer, _ stride: Int) {
    store(low.v0, p)
    store(low.v1, p + stride)
    store(low.v2, p + 2 * stride)
    store(low.v3, p + 3 * stride)
    store(low.v4, p + 4 * stride)
    store(low.v5, p + 5 * stride)
    store(low.v6, p + 6 * stride)
    store(low.v7, p + 7 * stride)
    let q = p + 8 * stride
    store(high.v0, q)
    store(high.v1, q + stride)
    store(high.v2, q + 2 * stride)
    store(high.v3, q + 3 * stride)
    store(high.v4, q + 4 * stride)
    store(high.v5, q + 5 * stride)
    store(high.v6, q + 6 * stride)
    store(high.v7, q + 7 * stride)
  }
}

extension Kernels {
  /// Blocks of 16 × 16 in registers, the rest element by element.
  public static func transpose(_ x: MatrixView, into out: MatrixView) {
    let wholeRows = x.rows / laneCount * laneCount
    let wholeColumns = x.columns / laneCount * laneCount
    var row = 0
    while row < wholeRows {
      var column = 0
      while column < wholeColumns {
        var block = Block(FloatPointer(x.base + row * x.stride + column), x.stride)
        block.rotate()
        block.rotate()
        block.rotate()
        block.rotate()
        block.write(out.base + column * out.stride + row, out.stride)
        column += laneCount
      }
      row += laneCount
    }
    for row in 0..<x.rows {
      var column = row < wholeRows ? wholeColumns : 0
      while column < x.columns {
        out.base[column * out.stride + row] = x.base[row * x.stride + column]
        column += 1
      }
    }
  }
}
