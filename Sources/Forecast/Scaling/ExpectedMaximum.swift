import Foundation

/// The expected delay of the slowest of many ranks behind the mean.
package enum ExpectedMaximum {
  /// Expected maximum of `count` independent standard normal numbers, E = ∫ x·n·φ(x)·Φ(x)ⁿ⁻¹ dx, by
  /// the trapezoidal rule, which is exact up to rounding here.
  package static func ofNormals(_ count: Int) -> Double {
    precondition(count > 0, "ExpectedMaximum: \(count) numbers")
    if count == 1 { return 0 }
    let n = Double(count)
    let step = 1.0 / 64
    var sum = 0.0
    var x = -12.0
    while x <= 12 {
      let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
      let below = 0.5 * erfc(-x / 2.0.squareRoot())
      sum += x * n * density * pow(below, n - 1)
      x += step
    }
    return sum * step
  }
}
