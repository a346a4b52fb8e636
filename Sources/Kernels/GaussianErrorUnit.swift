import KernelAPI

// GELU(x) = x·Φ(x), where Φ(x) = (1 + erf(x/√2))/2 is the normal distribution's: the exact form,
// not the one with tanh. Its slope is Φ(x) + x·φ(x), with the density φ(x) = e^(−x²/2)/√(2π).
// Source: Hendrycks and Gimpel 2016.

/// Φ(x)
@_transparent
private func normalDistribution(_ x: Vector) -> Vector {
  let half = Vector(repeating: 0.5)
  return half.addingProduct(half, erf(x * Vector(repeating: 0.707_106_77)))
}

/// x·φ(x), which is 0 to all digits that matter behind ±13. A NaN stays one.
@_transparent
private func normalDensityTimes(_ x: Vector) -> Vector {
  let limit = Vector(repeating: 13)
  let held = x.replacing(with: withSign(of: x, limit), where: absolute(x) .> limit)
  let density = vectorExp(held * held * Vector(repeating: -0.5)) * Vector(repeating: 0.398_942_3)
  return held * density
}

extension Kernels {
  /// out = residual + x·Φ(x)
  public static func gaussianErrorUnit(
    _ x: FloatPointer, plus residual: FloatPointer, count: Int, out: MutableFloatPointer
  ) {
    for i in stride(from: 0, to: count, by: laneCount) {
      let value = load(x + i)
      store(load(residual + i).addingProduct(value, normalDistribution(value)), out + i)
    }
  }

  /// dx = dout·(Φ(x) + x·φ(x))
  public static func gaussianErrorUnitBackward(
    _ x: FloatPointer, _ dout: FloatPointer, count: Int, dx: MutableFloatPointer
  ) {
    for i in stride(from: 0, to: count, by: laneCount) {
      let value = load(x + i)
      let slope = normalDistribution(value) + normalDensityTimes(value)
      store(load(dout + i) * slope, dx + i)
    }
  }
}
