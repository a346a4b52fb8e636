import KernelAPI

// The element-wise parts of the mask decoder.

extension Kernels {
  public static func tanh(_ x: MutableFloatPointer, count: Int) {
    for i in stride(from: 0, to: count, by: laneCount) { store(vectorTanh(load(x + i)), x + i) }
  }

  public static func tanhBackward(
    _ y: FloatPointer, _ dout: FloatPointer, count: Int, dx: MutableFloatPointer
  ) {
    let one = Vector(repeating: 1)
    for i in stride(from: 0, to: count, by: laneCount) {
      let t = load(y + i)
      store(load(dout + i) * one.addingProduct(-t, t), dx + i)
    }
  }

  // Gated linear unit (Dauphin et al. 2017): out = a·σ(b), da = dout·σ, db = dout·a·σ·(1 − σ).
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
