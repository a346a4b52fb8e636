import KernelAPI

// The element-wise parts of the mask decoder.

extension Kernels {
  /// x = tanh(x) in place; `count` is a multiple of `laneCount`.
  public static func tanh(_ x: MutableFloatPointer, count: Int) {
    for i in stride(from: 0, to: count, by: laneCount) { store(vectorTanh(load(x + i)), x + i) }
  }

  /// tanh' = 1 − tanh², so tanh's output is all that is needed.
  public static func tanhBackward(
    _ y: FloatPointer, _ dout: FloatPointer, count: Int, dx: MutableFloatPointer
  ) {
    let one = Vector(repeating: 1)
    for i in stride(from: 0, to: count, by: laneCount) {
      let t = load(y + i)
      store(load(dout + i) * one.addingProduct(-t, t), dx + i)
    }
  }

  /// Gated linear unit: out = a·σ(b). Source: Dauphin et al. 2017.
  public static func gatedLinearUnit(_ a: MatrixView, _ b: MatrixView, out: MatrixView) {
    for row in 0..<a.rows {
      for j in stride(from: 0, to: a.paddedColumns, by: laneCount) {
        let at = row * a.stride + j
        store(load(a.base + at) * sigmoid(load(b.base + at)), out.base + row * out.stride + j)
      }
    }
  }

  /// da = dout·σ(b), db = dout·a·σ(b)·(1 − σ(b)); rows of both lie as those of a and b.
  public static func gatedLinearUnitBackward(
    _ a: MatrixView, _ b: MatrixView, _ dout: MatrixView, da: MatrixView, db: MatrixView
  ) {
    let one = Vector(repeating: 1)
    for row in 0..<a.rows {
      for j in stride(from: 0, to: a.paddedColumns, by: laneCount) {
        let at = row * a.stride + j
        let s = sigmoid(load(b.base + at))
        let upstream = load(dout.base + row * dout.stride + j)
        let value = load(a.base + at)
        store(upstream * s, da.base + at)
        store(upstream * value * (s * (one - s)), db.base + at)
      }
    }
  }
}
