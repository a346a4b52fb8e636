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
  public static func gatedLinearUnit(
    _ a: FloatPointer, _ b: FloatPointer, stride: Int, rows: Int, columns: Int,
    out: MutableFloatPointer, outStride: Int
  ) {
    for row in 0..<rows {
      for j in Swift.stride(from: 0, to: columns, by: laneCount) {
        let s = sigmoid(load(b + row * stride + j))
        store(load(a + row * stride + j) * s, out + row * outStride + j)
      }
    }
  }

  /// da = dout·σ(b), db = dout·a·σ(b)·(1 − σ(b)); rows of both lie as those of a and b.
  public static func gatedLinearUnitBackward(
    _ a: FloatPointer, _ b: FloatPointer, stride: Int, _ dout: FloatPointer, doutStride: Int,
    rows: Int, columns: Int, da: MutableFloatPointer, db: MutableFloatPointer
  ) {
    let one = Vector(repeating: 1)
    for row in 0..<rows {
      for j in Swift.stride(from: 0, to: columns, by: laneCount) {
        let at = row * stride + j
        let s = sigmoid(load(b + at))
        let upstream = load(dout + row * doutStride + j)
        let value = load(a + at)
        store(upstream * s, da + at)
        store(upstream * value * (s * (one - s)), db + at)
      }
    }
  }
}
