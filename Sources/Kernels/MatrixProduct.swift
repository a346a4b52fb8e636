import KernelAPI

// C[m, n] (+)= A[m, k]·B[k, n]. A tile of C stays in registers while k runs; each step loads one
// row of B's tile and broadcasts one element of A for each row of C. A may be read by columns as
// well as by rows, so dW = dYᵀ·X needs no transposition, and B is read in place.
//
// With AVX-512's 32 registers tiles are 6 × 64, 8 × 48 or 12 × 32: 24 registers hold C, up to 4 a
// row of B, the rest the broadcasts. With AVX2 a vector is two of 16 registers and tiles are
// 6 × 16. The tiles are written out row by row: only local variables stay in registers.

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

/// Up to six rows.
@inline(__always)
private func tile6<Row: TileRow>(_: Row.Type, _ job: TileJob) {
  var c0 = Row(job.initial(0))
  var c1 = Row(job.initial(1))
  var c2 = Row(job.initial(2))
  var c3 = Row(job.initial(3))
  var c4 = Row(job.initial(4))
  var c5 = Row(job.initial(5))
  let a0 = job.row(0)
  let a1 = job.row(1)
  let a2 = job.row(2)
  let a3 = job.row(3)
  let a4 = job.row(4)
  let a5 = job.row(5)
  var offset = 0
  var b = job.b
  for _ in 0..<job.k {
    let r = Row(b)
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

#if AVX512
  /// Up to eight rows.
  @inline(__always)
  private func tile8<Row: TileRow>(_: Row.Type, _ job: TileJob) {
    var c0 = Row(job.initial(0))
    var c1 = Row(job.initial(1))
    var c2 = Row(job.initial(2))
    var c3 = Row(job.initial(3))
    var c4 = Row(job.initial(4))
    var c5 = Row(job.initial(5))
    var c6 = Row(job.initial(6))
    var c7 = Row(job.initial(7))
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
      let r = Row(b)
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

  /// Up to twelve rows.
  @inline(__always)
  private func tile12<Row: TileRow>(_: Row.Type, _ job: TileJob) {
    var c0 = Row(job.initial(0))
    var c1 = Row(job.initial(1))
    var c2 = Row(job.initial(2))
    var c3 = Row(job.initial(3))
    var c4 = Row(job.initial(4))
    var c5 = Row(job.initial(5))
    var c6 = Row(job.initial(6))
    var c7 = Row(job.initial(7))
    var c8 = Row(job.initial(8))
    var c9 = Row(job.initial(9))
    var c10 = Row(job.initial(10))
    var c11 = Row(job.initial(11))
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
      let r = Row(b)
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
#endif

extension Kernels {
  /// C (+)= A·B, started as `start` says.
  @inline(never)
  public static func matrixProduct(
    _ a: MatrixView, _ b: MatrixView, into c: MatrixView, _ start: ProductStart
  ) {
    let m = c.rows
    let n = c.paddedColumns
    let k = a.columns
    if m == 0 || n == 0 { return }
    @inline(__always)
    func panel(_ column: Int, rows step: Int, _ tile: (TileJob) -> Void) {
      for row in stride(from: 0, to: m, by: step) {
        let shifted: ProductStart
        if case .bias(let bias) = start { shifted = .bias(bias + column) } else { shifted = start }
        tile(
          TileJob(
            k: k, a: FloatPointer(a.base + row * a.stride), aRow: a.stride,
            aColumn: a.columnStride, b: FloatPointer(b.base + column), bRow: b.stride,
            c: c.base + row * c.stride + column, cRow: c.stride,
            rows: min(step, m - row), start: shifted))
      }
    }
    var column = 0
    #if AVX512
      while n - column >= 64 {
        panel(column, rows: 6) { tile6(FourVectors.self, $0) }
        column += 64
      }
      switch n - column {
      case 48: panel(column, rows: 8) { tile8(ThreeVectors.self, $0) }
      case 32: panel(column, rows: 12) { tile12(TwoVectors.self, $0) }
      case 16: panel(column, rows: 12) { tile12(OneVector.self, $0) }
      default: break
      }
    #else
      while column < n {
        panel(column, rows: 6) { tile6(OneVector.self, $0) }
        column += 16
      }
    #endif
  }
}
