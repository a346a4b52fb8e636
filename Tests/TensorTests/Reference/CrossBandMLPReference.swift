import Foundation
import Tensor

extension Reference {
  /// x·Φ(x), with the normal distribution Φ by the error function.
  static func gelu(_ x: Double) -> Double { x * (1 + erf(x / 2.squareRoot())) / 2 }

  /// LayerNorm(x + GELU(LayerNorm(W·x + b))) of one row.
  static func crossBandMLP(
    _ x: [Double], weight: [Double], bias: [Double], norm1: (weight: [Double], bias: [Double]),
    norm2: (weight: [Double], bias: [Double])
  ) -> [Double] {
    let hidden = normalise(linear(x, weight, bias), norm1.weight, norm1.bias)
    return normalise(zip(x, hidden).map { $0 + gelu($1) }, norm2.weight, norm2.bias)
  }
}
