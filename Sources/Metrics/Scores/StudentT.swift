import Foundation

/// Student's t distribution with whole degrees of freedom.
package enum StudentT {
  /// Probability P(|T| < t), by the finite series of Abramowitz and Stegun 26.7.3 and 26.7.4.
  package static func central(_ t: Double, degreesOfFreedom: Int) -> Double {
    let angle = atan(t / Double(degreesOfFreedom).squareRoot())
    let (sine, cosine) = (sin(angle), cos(angle))
    let isOdd = degreesOfFreedom % 2 == 1
    // cos θ (1 + 2/3 cos² θ + …) or 1 + 1/2 cos² θ + …
    var term = isOdd ? cosine : 1
    var sum = degreesOfFreedom == 1 ? 0 : term
    var k = isOdd ? 3 : 2
    while k <= degreesOfFreedom - 2, term > 1e-18 {
      term *= cosine * cosine * Double(k - 1) / Double(k)
      sum += term
      k += 2
    }
    return isOdd ? 2 / Double.pi * (angle + sine * sum) : sine * sum
  }

  /// The 97.5% quantile, found by bisection: 12.706 for one degree of freedom, 1.96 for many.
  package static func quantile975(degreesOfFreedom: Int) -> Double {
    precondition(degreesOfFreedom > 0, "StudentT: \(degreesOfFreedom) degrees of freedom")
    var (low, high) = (1.9, 13.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if central(middle, degreesOfFreedom: degreesOfFreedom) < 0.95 {
        low = middle
      } else {
        high = middle
      }
    }
    return (low + high) / 2
  }
}
