import KernelAPI

// |Y − S| and ||Y|^p − |S|^p| with p = 0.3 and (|·| + 1e-10)^p, summed over complex bins.
// Gradients: d|E|/dE = E/|E| with E = Y − S, 0 at E = 0;
//   d(|Y| + ε)^p/dY = p·(|Y| + ε)^(p−1)·Y/|Y|, 0 at Y = 0, times the sign of the difference.

private let compression: Float = 0.3
private let floorMagnitude: Float = 1e-10

/// Splits sixteen complex numbers at `p` into real and imaginary parts.
@inline(__always)
private func loadComplex(_ p: FloatPointer) -> (re: Vector, im: Vector) {
  let low = load(p)
  let high = load(p + laneCount)
  return (
    Vector(lowHalf: low.evenHalf, highHalf: high.evenHalf),
    Vector(lowHalf: low.oddHalf, highHalf: high.oddHalf)
  )
}

@inline(__always)
private func modulus(_ re: Vector, _ im: Vector) -> Vector {
  var out = Vector(repeating: 0)
  let square = (re * re).addingProduct(im, im)
  for lane in 0..<laneCount { out[lane] = square[lane].squareRoot() }
  return out
}

/// 1/x, 0 where x is 0.
@inline(__always)
private func reciprocalOrZero(_ x: Vector) -> Vector {
  let zero = Vector(repeating: 0)
  return (Vector(repeating: 1) / x).replacing(with: zero, where: x .== zero)
}

extension Kernels {
  public static func spectralLoss(
    _ estimate: FloatPointer, _ target: FloatPointer, count: Int, scale: Float,
    gradient: MutableFloatPointer?
  ) -> (complex: Double, magnitude: Double) {
    var complexTotal = 0.0
    var magnitudeTotal = 0.0
    let zero = Vector(repeating: 0)
    let tiny = Vector(repeating: floorMagnitude)
    let full = count / laneCount * laneCount
    // The last few bins go through a zero-filled copy: zeros add nothing to sum or gradient.
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 6 * laneCount) { spare in
      guard let edge = spare.baseAddress else { return }
      for i in stride(from: 0, to: count, by: laneCount) {
        var y = estimate + 2 * i
        var s = target + 2 * i
        if i == full {
          for j in 0..<6 * laneCount { edge[j] = 0 }
          for j in 0..<2 * (count - full) {
            edge[j] = y[j]
            edge[2 * laneCount + j] = s[j]
          }
          y = FloatPointer(edge)
          s = FloatPointer(edge + 2 * laneCount)
        }
        let (yr, yi) = loadComplex(y)
        let (sr, si) = loadComplex(s)
        let er = yr - sr
        let ei = yi - si
        let distance = modulus(er, ei)
        let my = modulus(yr, yi)
        let cy = power(my + tiny, compression)
        let difference = cy - power(modulus(sr, si) + tiny, compression)
        complexTotal += Double(laneSum(distance))
        magnitudeTotal += Double(laneSum(absolute(difference)))
        guard let gradient else { continue }
        let half = Vector(repeating: 0.5 * scale)
        let direction = half * reciprocalOrZero(distance)
        // p·(|Y| + ε)^(p−1)/|Y|
        let slope =
          half * Vector(repeating: compression) * (cy / (my + tiny)) * reciprocalOrZero(my)
        let signed = withSign(of: difference, slope).replacing(
          with: zero, where: difference .== zero)
        let gr = (direction * er).addingProduct(signed, yr)
        let gi = (direction * ei).addingProduct(signed, yi)
        for lane in 0..<min(laneCount, count - i) {
          gradient[2 * (i + lane)] += gr[lane]
          gradient[2 * (i + lane) + 1] += gi[lane]
        }
      }
    }
    return (complexTotal, magnitudeTotal)
  }
}
