import Foundation

/// Plain `Double` versions of the operations, by textbook loops from their equations, forward only.
///
/// Each extension of it holds one operation. They share no code with the kernels.
enum Reference {
  static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  static func silu(_ x: Double) -> Double { x * sigmoid(x) }

  static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  /// W·x + b of one row; W is [out, in].
  static func linear(_ x: [Double], _ weight: [Double], _ bias: [Double]? = nil) -> [Double] {
    let outputs = weight.count / x.count
    return (0..<outputs).map { o in
      var sum = bias?[o] ?? 0
      for i in x.indices { sum += weight[o * x.count + i] * x[i] }
      return sum
    }
  }

  /// (x − mean)/√(variance + 1e-5)·weight + bias of rows of `weight.count` features, with one mean
  /// and one biased variance over all of `x`: a LayerNorm of one row, a one-group GroupNorm of
  /// several.
  static func normalise(_ x: [Double], _ weight: [Double], _ bias: [Double]) -> [Double] {
    let count = Double(x.count)
    let mean = x.reduce(0, +) / count
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let deviation = (variance + 1e-5).squareRoot()
    return x.indices.map { i in
      let feature = i % weight.count
      return (x[i] - mean) / deviation * weight[feature] + bias[feature]
    }
  }
}
