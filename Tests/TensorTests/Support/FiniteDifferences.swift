import Files

/// d/dx of a function by differences over five points, error O(h⁴).
///
/// Source: Abramowitz and Stegun 1964, table 25.2.
func fivePointDerivative(at x: Double, step h: Double, _ f: (Double) -> Double) -> Double {
  (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)
}

extension OperationCase {
  /// d(Σ out·upstream)/d(element) of the reference.
  func referenceDerivative(
    of name: String, at index: Int, _ values: [String: [Double]], upstream: [Double]
  ) -> Double {
    var moved = values
    guard let x = moved[name]?[index] else { return .nan }
    return fivePointDerivative(at: x, step: differenceStep) { position in
      moved[name]?[index] = position
      return zip(reference(moved), upstream).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  /// Elements to differentiate by: all of an array where that is cheap, else a random few, at
  /// least one.
  func sampledIndices(_ array: NamedArray, workLimit: Int) -> [Int] {
    let affordable = workLimit / (4 * max(1, work) * arrays.count)
    if affordable >= array.count { return Array(0..<array.count) }
    var random = Random(seed: 7, stream: array.name + testDescription)
    return (0..<max(1, affordable)).map { _ in Int.random(in: 0..<array.count, using: &random) }
  }
}
