import KernelAPI

// C[m, n] (+)= A[m, k]·B[k, n]. A tile of C stays in registers while k runs; each step loads one
// row of B's tile and broadcasts one element of A for each row of C. A may be read by columns as
// well as by rows, so dW = dYᵀ·X needs no transposition, and B is read in place.

/// `count` vectors of one row of C.
private struct Row4 {
  var a: Vector, b: Vector, c: Vector, d: Vector

  @inline(__always) init(_ p: FloatPointer) {
    a = load(p)
    b = load(p + 16)
    c = load(p + 32)
    d = load(p + 48)
  }
  @inline(__always) init() {
    a = Vector(repeating: 0)
    b = a
    c = a
    d = a
  }
  @inline(__always) mutating func add(_ s: Float, _ r: Row4) {
    let s = Vector(repeating: s)
    a = a.addingProduct(s, r.a)
    b = b.addingProduct(s, r.b)
    c = c.addingProduct(s, r.c)
    d = d.addingProduct(s, r.d)
  }
  @inline(__always) func write(_ p: MutableFloatPointer) {
    store(a, p)
    store(b, p + 16)
    store(c, p + 32)
    store(d, p + 48)
  }
}

private struct Row3 {
  var a: Vector, b: Vector, c: Vector

  @inline(__always) init(_ p: FloatPointer) {
    a = load(p)
    b = load(p + 16)
    c = load(p + 32)
  }
  @inline(__always) init() {
    a = Vector(repeating: 0)
    b = a
    c = a
  }
  @inline(__always) mutating func add(_ s: Float, _ r: Row3) {
    let s = Vector(repeating: s)
    a = a.addingProduct(s, r.a)
    b = b.addingProduct(s, r.b)
    c = c.addingProduct(s, r.c)
  }
  @inline(__always) func write(_ p: MutableFloatPointer) {
    store(a, p)
    store(b, p + 16)
    store(c, p + 32)
  }
}

private struct Row2 {
  var a: Vector, b: Vector

  @inline(__always) init(_ p: FloatPointer) {
    a = load(p)
    b = load(p + 16)
  }
  @inline(__always) init() {
    a = Vector(repeating: 0)
    b = a
  }
  @inline(__always) mutating func add(_ s: Float, _ r: Row2) {
    let s = Vector(repeating: s)
    a = a.addingProduct(s, r.a)
    b = b.addingProduct(s, r.b)
  }
  @inline(__always) func write(_ p: MutableFloatPointer) {
    store(a, p)
    store(b, p + 16)
  }
}

private struct Row1 {
  var a: Vector

  @inline(__always) init(_ p: FloatPointer) { a = load(p) }
  @inline(__always) init() { a = Vector(repeating: 0) }
  @inline(__always) mutating func add(_ s: Float, _ r: Row1) {
    a = a.addingProduct(Vector(repeating: s), r.a)
  }
  @inline(__always) func write(_ p: MutableFloatPointer) { store(a, p) }
}

/// One tile's place: rows past `rows` repeat the last one and are not written.
private struct TileJob {
  let k: Int
  let a: FloatPointer
  let aRow: Int
  let aColumn: Int
  let b: FloatPointer
  let bRow: Int
  let c: MutableFloatPointer
  let cRow: Int
  let rows: Int
  let start: ProductStart

  @inline(__always) func row(_ i: Int) -> FloatPointer { a + min(i, rows - 1) * aRow }
  @inline(__always) func initial(_ i: Int) -> FloatPointer? {
    switch start {
    case .overwrite: return nil
    case .accumulate: return FloatPointer(c + min(i, rows - 1) * cRow)
    case .bias(let bias): return bias
    }
  }
}

#if AVX512
  // 32 registers: 24 hold C, up to 4 a row of B, the rest the broadcasts.

  /// 6 × 64
  @inline(__always)
  private func tile4(_ job: TileJob) {
    var c0 = job.initial(0).map { Row4($0) } ?? Row4()
    var c1 = job.initial(1).map { Row4($0) } ?? Row4()
    var c2 = job.initial(2).map { Row4($0) } ?? Row4()
    var c3 = job.initial(3).map { Row4($0) } ?? Row4()
    var c4 = job.initial(4).map { Row4($0) } ?? Row4()
    var c5 = job.initial(5).map { Row4($0) } ?? Row4()
    let a0 = job.row(0)
    let a1 = job.row(1)
    let a2 = job.row(2)
    let a3 = job.row(3)
    let a4 = job.row(4)
    let a5 = job.row(5)
    var offset = 0
    var b = job.b
    for _ in 0..<job.k {
      let r = Row4(b)
      c0.add(a0[offset], r)
      c1.add(a1[offset], r)
      c2.add(a2[offset], r)
      c3.add(a3[offset], r)
      c4.add(a4[offset], r)
      c5.add(a5[offset], r)
      offset += job.aColumn
      b += job.bRow
    }
    var c = job.c
    c0.write(c)
    if job.rows == 1 { return }
    c += job.cRow
    c1.write(c)
    if job.rows == 2 { return }
    c += job.cRow
    c2.write(c)
    if job.rows == 3 { return }
    c += job.cRow
    c3.write(c)
    if job.rows == 4 { return }
    c += job.cRow
    c4.write(c)
    if job.rows == 5 { return }
    c += job.cRow
    c5.write(c)
  }

  /// 8 × 48
  @inline(__always)
  private func tile3(_ job: TileJob) {
    var c0 = job.initial(0).map { Row3($0) } ?? Row3()
    var c1 = job.initial(1).map { Row3($0) } ?? Row3()
    var c2 = job.initial(2).map { Row3($0) } ?? Row3()
    var c3 = job.initial(3).map { Row3($0) } ?? Row3()
    var c4 = job.initial(4).map { Row3($0) } ?? Row3()
    var c5 = job.initial(5).map { Row3($0) } ?? Row3()
    var c6 = job.initial(6).map { Row3($0) } ?? Row3()
    var c7 = job.initial(7).map { Row3($0) } ?? Row3()
    let a0 = job.row(0)
    let a1 = job.row(1)
    let a2 = job.row(2)
    let a3 = job.row(3)
    let a4 = job.row(4)
    let a5 = job.row(5)
    let a6 = job.row(6)
    let a7 = job.row(7)
    var offset = 0
    var b = job.b
    for _ in 0..<job.k {
      let r = Row3(b)
      c0.add(a0[offset], r)
      c1.add(a1[offset], r)
      c2.add(a2[offset], r)
      c3.add(a3[offset], r)
      c4.add(a4[offset], r)
      c5.add(a5[offset], r)
      c6.add(a6[offset], r)
      c7.add(a7[offset], r)
      offset += job.aColumn
      b += job.bRow
    }
    var c = job.c
    c0.write(c)
    if job.rows == 1 { return }
    c += job.cRow
    c1.write(c)
    if job.rows == 2 { return }
    c += job.cRow
    c2.write(c)
    if job.rows == 3 { return }
    c += job.cRow
    c3.write(c)
    if job.rows == 4 { return }
    c += job.cRow
    c4.write(c)
    if job.rows == 5 { return }
    c += job.cRow
    c5.write(c)
    if job.rows == 6 { return }
    c += job.cRow
    c6.write(c)
    if job.rows == 7 { return }
    c += job.cRow
    c7.write(c)
  }

  /// 12 × 32
  @inline(__always)
  private func tile2(_ job: TileJob) {
    var c0 = job.initial(0).map { Row2($0) } ?? Row2()
    var c1 = job.initial(1).map { Row2($0) } ?? Row2()
    var c2 = job.initial(2).map { Row2($0) } ?? Row2()
    var c3 = job.initial(3).map { Row2($0) } ?? Row2()
    var c4 = job.initial(4).map { Row2($0) } ?? Row2()
    var c5 = job.initial(5).map { Row2($0) } ?? Row2()
    var c6 = job.initial(6).map { Row2($0) } ?? Row2()
    var c7 = job.initial(7).map { Row2($0) } ?? Row2()
    var c8 = job.initial(8).map { Row2($0) } ?? Row2()
    var c9 = job.initial(9).map { Row2($0) } ?? Row2()
    var c10 = job.initial(10).map { Row2($0) } ?? Row2()
    var c11 = job.initial(11).map { Row2($0) } ?? Row2()
    let a0 = job.row(0)
    let a1 = job.row(1)
    let a2 = job.row(2)
    let a3 = job.row(3)
    let a4 = job.row(4)
    let a5 = job.row(5)
    let a6 = job.row(6)
    let a7 = job.row(7)
    let a8 = job.row(8)
    let a9 = job.row(9)
    let a10 = job.row(10)
    let a11 = job.row(11)
    var offset = 0
    var b = job.b
    for _ in 0..<job.k {
      let r = Row2(b)
      c0.add(a0[offset], r)
      c1.add(a1[offset], r)
      c2.add(a2[offset], r)
      c3.add(a3[offset], r)
      c4.add(a4[offset], r)
      c5.add(a5[offset], r)
      c6.add(a6[offset], r)
      c7.add(a7[offset], r)
      c8.add(a8[offset], r)
      c9.add(a9[offset], r)
      c10.add(a10[offset], r)
      c11.add(a11[offset], r)
      offset += job.aColumn
      b += job.bRow
    }
    var c = job.c
    c0.write(c)
    if job.rows == 1 { return }
    c += job.cRow
    c1.write(c)
    if job.rows == 2 { return }
    c += job.cRow
    c2.write(c)
    if job.rows == 3 { return }
    c += job.cRow
    c3.write(c)
    if job.rows == 4 { return }
    c += job.cRow
    c4.write(c)
    if job.rows == 5 { return }
    c += job.cRow
    c5.write(c)
    if job.rows == 6 { return }
    c += job.cRow
    c6.write(c)
    if job.rows == 7 { return }
    c += job.cRow
    c7.write(c)
    if job.rows == 8 { return }
    c += job.cRow
    c8.write(c)
    if job.rows == 9 { return }
    c += job.cRow
    c9.write(c)
    if job.rows == 10 { return }
    c += job.cRow
    c10.write(c)
    if job.rows == 11 { return }
    c += job.cRow
    c11.write(c)
  }

  /// 12 × 16
  @inline(__always)
  private func tile1(_ job: TileJob) {
    var c0 = job.initial(0).map { Row1($0) } ?? Row1()
    var c1 = job.initial(1).map { Row1($0) } ?? Row1()
    var c2 = job.initial(2).map { Row1($0) } ?? Row1()
    var c3 = job.initial(3).map { Row1($0) } ?? Row1()
    var c4 = job.initial(4).map { Row1($0) } ?? Row1()
    var c5 = job.initial(5).map { Row1($0) } ?? Row1()
    var c6 = job.initial(6).map { Row1($0) } ?? Row1()
    var c7 = job.initial(7).map { Row1($0) } ?? Row1()
    var c8 = job.initial(8).map { Row1($0) } ?? Row1()
    var c9 = job.initial(9).map { Row1($0) } ?? Row1()
    var c10 = job.initial(10).map { Row1($0) } ?? Row1()
    var c11 = job.initial(11).map { Row1($0) } ?? Row1()
    let a0 = job.row(0)
    let a1 = job.row(1)
    let a2 = job.row(2)
    let a3 = job.row(3)
    let a4 = job.row(4)
    let a5 = job.row(5)
    let a6 = job.row(6)
    let a7 = job.row(7)
    let a8 = job.row(8)
    let a9 = job.row(9)
    let a10 = job.row(10)
    let a11 = job.row(11)
    var offset = 0
    var b = job.b
    for _ in 0..<job.k {
      let r = Row1(b)
      c0.add(a0[offset], r)
      c1.add(a1[offset], r)
      c2.add(a2[offset], r)
      c3.add(a3[offset], r)
      c4.add(a4[offset], r)
      c5.add(a5[offset], r)
      c6.add(a6[offset], r)
      c7.add(a7[offset], r)
      c8.add(a8[offset], r)
      c9.add(a9[offset], r)
      c10.add(a10[offset], r)
      c11.add(a11[offset], r)
      offset += job.aColumn
      b += job.bRow
    }
    var c = job.c
    c0.write(c)
    if job.rows == 1 { return }
    c += job.cRow
    c1.write(c)
    if job.rows == 2 { return }
    c += job.cRow
    c2.write(c)
    if job.rows == 3 { return }
    c += job.cRow
    c3.write(c)
    if job.rows == 4 { return }
    c += job.cRow
    c4.write(c)
    if job.rows == 5 { return }
    c += job.cRow
    c5.write(c)
    if job.rows == 6 { return }
    c += job.cRow
    c6.write(c)
    if job.rows == 7 { return }
    c += job.cRow
    c7.write(c)
    if job.rows == 8 { return }
    c += job.cRow
    c8.write(c)
    if job.rows == 9 { return }
    c += job.cRow
    c9.write(c)
    if job.rows == 10 { return }
    c += job.cRow
    c10.write(c)
    if job.rows == 11 { return }
    c += job.cRow
    c11.write(c)
  }
#else
  // 16 registers of half a vector: 12 hold C, 2 a row of B.

  /// 6 × 16
  @inline(__always)
  private func tile1(_ job: TileJob) {
    var c0 = job.initial(0).map { Row1($0) } ?? Row1()
    var c1 = job.initial(1).map { Row1($0) } ?? Row1()
    var c2 = job.initial(2).map { Row1($0) } ?? Row1()
    var c3 = job.initial(3).map { Row1($0) } ?? Row1()
    var c4 = job.initial(4).map { Row1($0) } ?? Row1()
    var c5 = job.initial(5).map { Row1($0) } ?? Row1()
    let a0 = job.row(0)
    let a1 = job.row(1)
    let a2 = job.row(2)
    let a3 = job.row(3)
    let a4 = job.row(4)
    let a5 = job.row(5)
    var offset = 0
    var b = job.b
    for _ in 0..<job.k {
      let r = Row1(b)
      c0.add(a0[offset], r)
      c1.add(a1[offset], r)
      c2.add(a2[offset], r)
      c3.add(a3[offset], r)
      c4.add(a4[offset], r)
      c5.add(a5[offset], r)
      offset += job.aColumn
      b += job.bRow
    }
    var c = job.c
    c0.write(c)
    if job.rows == 1 { return }
    c += job.cRow
    c1.write(c)
    if job.rows == 2 { return }
    c += job.cRow
    c2.write(c)
    if job.rows == 3 { return }
    c += job.cRow
    c3.write(c)
    if job.rows == 4 { return }
    c += job.cRow
    c4.write(c)
    if job.rows == 5 { return }
    c += job.cRow
    c5.write(c)
  }
#endif

extension Kernels {
  /// C[m, n] = A[m, k]·B[k, n], started as `start` says. `n` is a multiple of 16.
  @inline(never)
  public static func matrixProduct(
    _ m: Int, _ n: Int, _ k: Int, _ a: StridedMatrix, _ b: FloatPointer, bRowStride: Int,
    _ c: MutableFloatPointer, cRowStride: Int, _ start: ProductStart
  ) {
    precondition(n % laneCount == 0, "matrixProduct: \(n) columns are not whole vectors")
    if m == 0 || n == 0 { return }
    @inline(__always)
    func panel(_ column: Int, rows step: Int, _ tile: (TileJob) -> Void) {
      for row in stride(from: 0, to: m, by: step) {
        let shifted: ProductStart
        if case .bias(let bias) = start { shifted = .bias(bias + column) } else { shifted = start }
        tile(
          TileJob(
            k: k, a: a.base + row * a.rowStride, aRow: a.rowStride, aColumn: a.columnStride,
            b: b + column, bRow: bRowStride,
            c: c + row * cRowStride + column, cRow: cRowStride,
            rows: min(step, m - row), start: shifted))
      }
    }
    var column = 0
    #if AVX512
      while n - column >= 64 {
        panel(column, rows: 6, tile4)
        column += 64
      }
      switch n - column {
      case 48: panel(column, rows: 8, tile3)
      case 32: panel(column, rows: 12, tile2)
      case 16: panel(column, rows: 12, tile1)
      default: break
      }
    #else
      while column < n {
        panel(column, rows: 6, tile1)
        column += 16
      }
    #endif
  }
}
