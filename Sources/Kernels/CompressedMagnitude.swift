import KernelAPI

// (|X| + ε)^p of complex bins, and its gradient p·(|X| + ε)^(p−1)·X/|X|, 0 at X = 0.

/// Up to sixteen bins of a spectrogram, zeros behind the last one.
@inline(__always)
private func bins(
  _ x: FloatPointer, _ count: Int, _ spare: MutableFloatPointer
) -> (re: Vector, im: Vector) {
  if count >= laneCount { return loadComplex(x) }
  zero(spare, count: 2 * laneCount)
  for j in 0..<2 * count { spare[j] = x[j] }
  return loadComplex(FloatPointer(spare))
}

/// (modulus + ε)^p, 0 where the base is 0, whose logarithm would not be finite; smaller ones than
/// normal numbers count as the least of them.
@inline(__always)
private func compressed(_ base: Vector, _ exponent: Float) -> Vector {
  let least = Vector(repeating: 0x1p-126)
  let zero = Vector(repeating: 0)
  return power(base.replacing(with: least, where: base .< least), exponent)
    .replacing(with: zero, where: base .== zero)
}

extension Kernels {
  /// The power of every bin's modulus; `count` need not be whole vectors.
  public static func compressedMagnitude(
    _ x: FloatPointer, count: Int, exponent: Float, epsilon: Float, out: MutableFloatPointer
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * laneCount) { spare in
      guard let edge = spare.baseAddress else { return }
      var i = 0
      while i < count {
        let (re, im) = bins(x + 2 * i, count - i, edge)
        let y = compressed(polar(re, im).modulus + Vector(repeating: epsilon), exponent)
        if count - i >= laneCount {
          store(y, out + i)
        } else {
          for lane in 0..<count - i { out[i + lane] = y[lane] }
        }
        i += laneCount
      }
    }
  }

  /// The gradient of the above.
  public static func addCompressedMagnitudeGradient(
    _ x: FloatPointer, _ dout: FloatPointer, count: Int, exponent: Float, epsilon: Float,
    to dx: MutableFloatPointer
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * laneCount) { spare in
      guard let edge = spare.baseAddress else { return }
      let zero = Vector(repeating: 0)
      var i = 0
      while i < count {
        let (re, im) = bins(x + 2 * i, count - i, edge)
        let p = polar(re, im)
        let base = p.modulus + Vector(repeating: epsilon)
        let slope = (Vector(repeating: exponent) * (compressed(base, exponent) / base))
          .replacing(with: zero, where: base .== zero)
        for lane in 0..<min(laneCount, count - i) {
          let g = dout[i + lane] * slope[lane]
          dx[2 * (i + lane)] += g * p.unitRe[lane]
          dx[2 * (i + lane) + 1] += g * p.unitIm[lane]
        }
        i += laneCount
      }
    }
  }
}
