import KernelAPI

// |Y − S| and ||Y|^p − |S|^p| with p = 0.3 and (|·| + 1e-10)^p, summed over complex bins.
// Gradients: d|E|/dE = E/|E| with E = Y − S, 0 at E = 0;
//   d(|Y| + ε)^p/dY = p·(|Y| + ε)^(p−1)·Y/|Y|, 0 at Y = 0, times the sign of the difference.

private let compression: Float = 0.3
private let floorMagnitude: Float = 1e-10

extension Kernels {
  /// Sums and gradient by the equations above; `count` need not be whole vectors.
  public static func spectralLoss(
    _ estimate: FloatPointer, _ target: FloatPointer, count: Int, scale: Float,
    gradient: MutableFloatPointer?
  ) -> (complex: Double, magnitude: Double) {
    var complexTotal = 0.0
    var magnitudeTotal = 0.0
    let zero = Vector(repeating: 0)
    // Eight vectors are added up in float, so few that nothing is lost, the rest in double.
    var complexSum = zero
    var magnitudeSum = zero
    let tiny = Vector(repeating: floorMagnitude)
    let full = count / laneCount * laneCount
    // The last few bins go through a zero-filled copy: zeros add nothing to sum or gradient.
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 6 * laneCount) { spare in
      guard let edge = spare.baseAddress else { return }
      var i = 0
      while i < count {
        defer { i += laneCount }
        var estimate = estimate + 2 * i
        var target = target + 2 * i
        if i == full {
          for j in 0..<6 * laneCount { edge[j] = 0 }
          for j in 0..<2 * (count - full) {
            edge[j] = estimate[j]
            edge[2 * laneCount + j] = target[j]
          }
          estimate = FloatPointer(edge)
          target = FloatPointer(edge + 2 * laneCount)
        }
        let (yr, yi) = loadComplex(estimate)
        let (sr, si) = loadComplex(target)
        let error = polar(yr - sr, yi - si)
        let y = polar(yr, yi)
        let ms = polar(sr, si).modulus
        let cy = power(y.modulus + tiny, compression)
        complexSum += error.modulus
        magnitudeSum += absolute(cy - power(ms + tiny, compression))
        if i % (8 * laneCount) == 0 {
          complexTotal += Double(laneSum(complexSum))
          magnitudeTotal += Double(laneSum(magnitudeSum))
          complexSum = zero
          magnitudeSum = zero
        }
        guard let gradient else { continue }
        let half = Vector(repeating: 0.5 * scale)
        // p·(|Y| + ε)^(p−1), with the sign of |Y| − |S|: the powers' difference would round.
        let slope = half * Vector(repeating: compression) * (cy / (y.modulus + tiny))
        let signed = slope.replacing(with: -slope, where: y.modulus .< ms)
          .replacing(with: zero, where: y.modulus .== ms)
        let gr = (half * error.unitRe).addingProduct(signed, y.unitRe)
        let gi = (half * error.unitIm).addingProduct(signed, y.unitIm)
        for lane in 0..<min(laneCount, count - i) {
          gradient[2 * (i + lane)] += gr[lane]
          gradient[2 * (i + lane) + 1] += gi[lane]
        }
      }
    }
    return (
      complexTotal + Double(laneSum(complexSum)), magnitudeTotal + Double(laneSum(magnitudeSum))
    )
  }
}
